#!/usr/bin/env bash
# Prints the path of a program that is etcd, kube-apiserver, kube-controller-manager and kube-proxy (its first argument says
# which), built from test/e2e/controlplane/ once into a cache outside the tree. The first build takes about five minutes of
# two cores and reads Go modules from GOPROXY. `--cached` builds nothing: it prints the path, or ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../test/e2e/controlplane"

# One key for everything that goes into it, so that a new version or an edit builds anew.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleat
built=$cache/controlplane-$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
if [ -x "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" = --cached ] && exit 1

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
  echo 'controlplane: Go is missing (it builds etcd and the Kubernetes control plane); install Go 1.26 or newer from go.dev' >&2
  exit 2
}
mkdir -p "$cache"
# Two runs at once: the second waits and finds the first one's work.
exec 9>"$cache/controlplane.lock"
flock 9
if [ ! -x "$built" ]; then
  echo 'controlplane: building etcd and the Kubernetes control plane (once, about five minutes)' >&2
  # The version is stamped at link time: without it the server reports one that kubectl cannot parse.
  version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' go.mod)
  minor=${version#v1.}
  stamp=k8s.io/component-base/version
  CGO_ENABLED=0 nice go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" \
    -o "$built.new" . >&2
  mv "$built.new" "$built"
fi
echo "$built"
