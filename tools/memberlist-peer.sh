#!/usr/bin/env bash
# Prints the path of a program that keeps a member list by hashicorp's own library, built from test/interop/memberlist-peer/
# once into a cache outside the tree (some seconds; it reads Go modules from GOPROXY). `--cached` builds nothing: it prints
# the path, or ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../test/interop/memberlist-peer"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleat
built=$cache/memberlist-peer-$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
if [ -x "$built" ]; then
  echo "$built"
  exit 0
fi
[ "${1:-}" = --cached ] && exit 1

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
  echo 'memberlist-peer: Go is missing (it builds a peer from hashicorp/memberlist); install Go 1.23 or newer from go.dev' >&2
  exit 2
}
mkdir -p "$cache"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$built.$$" . >&2
mv "$built.$$" "$built"
echo "$built"
