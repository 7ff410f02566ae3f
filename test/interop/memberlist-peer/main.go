// A member list of hashicorp/memberlist for the tests, set up as MetalLB's speaker sets it up (internal/speakerlist), to be
// told what to do line by line on standard input, and to tell what it sees line by line on standard output.
//
//	memberlist-peer NAME ADDRESS PORT [SECRETFILE]
//
// Commands: join ADDRESS:PORT, members, send NAME WORDS, health, leave. Answers and events: `ready`, `joined N`,
// `members a,b`, `sent`, `health N`, `event join NAME`, `event leave NAME`, `event update NAME`, `left`.
//
// Of the environment: LABEL, by which clusters that share a network are kept apart, and PROBE_INTERVAL.
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

var stdout sync.Mutex

func say(format string, args ...any) {
	stdout.Lock()
	defer stdout.Unlock()
	fmt.Printf(format+"\n", args...)
}

type events struct{}

func (events) NotifyJoin(node *memberlist.Node)   { say("event join %s", node.Name) }
func (events) NotifyLeave(node *memberlist.Node)  { say("event leave %s", node.Name) }
func (events) NotifyUpdate(node *memberlist.Node) { say("event update %s", node.Name) }

func main() {
	port, err := strconv.Atoi(os.Args[3])
	must(err)
	config := memberlist.DefaultLANConfig()
	config.Name = os.Args[1]
	config.BindAddr = os.Args[2]
	config.BindPort = port
	config.AdvertisePort = port
	config.Events = events{}
	config.LogOutput = os.Stderr
	config.Label = os.Getenv("LABEL")
	if len(os.Args) > 4 {
		secret, err := os.ReadFile(os.Args[4])
		must(err)
		// Sum appends to what it is given: the hash of nothing behind the secret, and MetalLB takes the first bytes.
		config.SecretKey = sha256.New().Sum(secret)[:32]
	}
	// What the library itself sets for a local network stays, but for one thing: tests should not last for minutes.
	if interval := os.Getenv("PROBE_INTERVAL"); interval != "" {
		config.ProbeInterval, err = time.ParseDuration(interval)
		must(err)
		config.ProbeTimeout = config.ProbeInterval / 2
	}
	list, err := memberlist.Create(config)
	must(err)
	say("ready")
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		words := strings.Fields(commands.Text())
		switch words[0] {
		case "join":
			count, err := list.Join(words[1:])
			if err != nil {
				say("joined 0 %v", err)
			} else {
				say("joined %d", count)
			}
		case "members":
			members := []string{}
			for _, node := range list.Members() {
				members = append(members, node.Name)
			}
			sort.Strings(members)
			say("members %s", strings.Join(members, ","))
		case "send":
			for _, node := range list.Members() {
				if node.Name == words[1] {
					must(list.SendBestEffort(node, []byte(strings.Join(words[2:], " "))))
					must(list.SendReliable(node, []byte(strings.Repeat("much ", 20000))))
				}
			}
			say("sent")
		case "leave":
			must(list.Leave(time.Second))
			must(list.Shutdown())
			say("left")
		case "health":
			say("health %d", list.GetHealthScore())
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
