// What MetalLB's controller decides, as a program: one world a line in, what it makes of it a line out. It is built within a
// copy of MetalLB's module, because what decides there is internal, in the place of the part that speaks to the API server
// (tools/metallb-peer.sh).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"reflect"
	"testing"

	"github.com/go-kit/log"
	"go.universe.tf/metallb/internal/allocator"
	"go.universe.tf/metallb/internal/config"
	v1 "k8s.io/api/core/v1"
)

// More rounds than any world of a few Services needs to settle.
const maxRounds = 10

type world struct {
	BGPType  string                  `json:"bgpType"`
	Config   config.ClusterResources `json:"config"`
	Services []v1.Service            `json:"services"`
}

type answer struct {
	// Why the world could not be read at all.
	Unreadable string `json:"unreadable,omitempty"`
	// Why the configuration is refused.
	Refused string `json:"refused,omitempty"`
	// What the status of each Service says in the end, in the order of the Services.
	Addresses [][]string `json:"addresses"`
	// What was said of each Service.
	Events [][]string `json:"events"`
	// True where it went on changing its mind.
	Restless bool `json:"restless"`
}

// What service.go, which decides, expects of its surroundings.
type service interface {
	Infof(svc *v1.Service, desc, msg string, args ...interface{})
	Errorf(svc *v1.Service, desc, msg string, args ...interface{})
}

type controller struct {
	client service
	pools  *config.Pools
	ips    *allocator.Allocator
}

type recorder struct {
	events []string
}

func (r *recorder) Infof(_ *v1.Service, desc, msg string, args ...interface{}) {
	r.events = append(r.events, desc+": "+fmt.Sprintf(msg, args...))
}

func (r *recorder) Errorf(svc *v1.Service, desc, msg string, args ...interface{}) {
	r.Infof(svc, desc, msg, args...)
}

func decide(w world) (a answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			a = answer{Refused: fmt.Sprint("panic: ", panicked)}
		}
	}()
	parsed, err := config.For(w.Config, config.ValidationFor(w.BGPType), config.ForOptions{})
	if err != nil {
		return answer{Refused: err.Error()}
	}
	r := &recorder{}
	c := &controller{client: r, pools: parsed.Pools, ips: allocator.New(func(string) {})}
	c.ips.SetPools(parsed.Pools)

	a.Addresses = make([][]string, len(w.Services))
	a.Events = make([][]string, len(w.Services))
	a.Restless = true
	for round := 0; round < maxRounds && a.Restless; round++ {
		a.Restless = false
		for i := range w.Services {
			service := w.Services[i].DeepCopy()
			*r = recorder{}
			key := service.Namespace + "/" + service.Name
			held := c.ips.AllocationKey(key)
			// An error is told by an event, and the Service is written all the same.
			_ = c.convergeBalancer(log.NewNopLogger(), key, service)
			a.Events[i] = r.events
			if !reflect.DeepEqual(service, &w.Services[i]) || held != c.ips.AllocationKey(key) {
				a.Restless = true
			}
			w.Services[i] = *service
		}
	}
	for i, service := range w.Services {
		a.Addresses[i] = []string{}
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			a.Addresses[i] = append(a.Addresses[i], net.ParseIP(ingress.IP).String())
		}
	}
	return a
}

func TestMain(_ *testing.M) {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		var w world
		if err := json.Unmarshal(line, &w); err != nil {
			_ = out.Encode(answer{Unreadable: err.Error()})
			continue
		}
		_ = out.Encode(decide(w))
	}
}
