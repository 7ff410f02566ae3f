#!/usr/bin/env bash
# Prints the path of the definition of Gateway (gateway.networking.k8s.io), taken once out of the Go module that
# test/e2e/gateway-api/ names, into a cache outside the tree. `--cached` fetches nothing: it prints the path, or ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../test/e2e/gateway-api"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleat
kept=$cache/gateway-api-$(cat go.mod go.sum | sha256sum | cut -c1-16).yaml
if [ -f "$kept" ]; then
  echo "$kept"
  exit 0
fi
[ "${1:-}" = --cached ] && exit 1

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
  echo 'gateway-api: Go is missing (it fetches the definitions of Gateway API); install Go 1.24 or newer from go.dev' >&2
  exit 2
}
mkdir -p "$cache"
go mod download
# The module's files are read-only.
install -m 644 "$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard/gateway.networking.k8s.io_gateways.yaml" "$kept.$$"
mv "$kept.$$" "$kept"
echo "$kept"
