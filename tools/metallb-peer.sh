#!/usr/bin/env bash
# Prints the path of a program that decides as MetalLB's controller does, because they are MetalLB's decisions: built from its Go
# module and test/interop/metallb-peer/ once into a cache outside the tree (a minute; it reads Go modules from GOPROXY).
# `--cached` builds nothing: it prints the path, or ends with 1.
set -euo pipefail
version=v0.16.2
sum=h1:RCSAGoZmqcvTg0e56+Okbwz8iTuQVX30JpKX5mYEPUM=
peer=$(cd "$(dirname "$0")/../test/interop/metallb-peer" && pwd)/peer_test.go

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleat
built=$cache/metallb-peer-$(cat "$0" "$peer" | sha256sum | cut -c1-16)
if [ -x "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" = --cached ] && exit 1

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
  echo 'metallb-peer: Go is missing (it builds a peer from MetalLB); install Go 1.26 or newer from go.dev' >&2
  exit 2
}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
module=$(GOFLAGS=-mod=mod go mod download -json "go.universe.tf/metallb@$version")
field() { sed -n "s/^.*\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" <<<"$module"; }
[ "$(field Sum)" = "$sum" ] || {
  echo "metallb-peer: MetalLB $version is not what it was: its sum is $(field Sum), expected $sum" >&2
  exit 1
}
cp -r "$(field Dir)" metallb
chmod -R u+w metallb
cd metallb
rm controller/*_test.go controller/main.go
cp "$peer" controller/
mkdir -p "$cache"
CGO_ENABLED=0 go test -c -trimpath -buildvcs=false -o "$built.$$" ./controller >&2
mv "$built.$$" "$built"
echo "$built"
