#!/usr/bin/env bash
# Brings what a verb needs: `tools/setup.sh run` (npm packages, the native addon), `demo` (plus the commands the lab uses),
# `test` (plus the commands the tests talk to, a kubectl and, where Go is, a Kubernetes control plane) and `e2e` (the same,
# where nothing may be missing). Idempotent; what is there is left alone.
# As root on Debian it installs missing commands with apt-get; otherwise it says which package brings them.
set -euo pipefail
cd "$(dirname "$0")/.."
for_what=${1:-run}

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

apt_updated=
# have COMMAND-OR-FILE
have() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
  esac
}
# need COMMAND-OR-FILE PACKAGE WHY: brings it, or ends with a sentence that names PACKAGE.
need() {
  bring "$@" || fail "$1 is missing ($3); install it with: apt-get install $2"
}
# want: the same, but without it the tests that use it are skipped, except in CI.
want() {
  bring "$@" && return 0
  [ "${CI:-}" = true ] && fail "$1 is missing ($3); install it with: apt-get install $2"
  say "$1 is missing ($3): the tests that use it are skipped; install it with: apt-get install $2"
}
bring() {
  local package=$2 why=$3
  have "$1" && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $package ($why)"
    [ -n "$apt_updated" ] || apt-get update -qq >/dev/null 2>&1 || true
    apt_updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || true
    have "$1" && return 0
  fi
  return 1
}

command -v node >/dev/null || fail "Node.js is missing; install Node.js 20 or newer (Debian 12: from nodejs.org or a newer Debian's package nodejs)"
[ "$(node -p 'Number(process.versions.node.split(".")[0])')" -ge 20 ] ||
  fail "Node.js $(node -v) is too old to install the packages; install 20 or newer"
command -v npm >/dev/null || fail "npm is missing; it comes with Node.js (Debian: apt-get install npm)"

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.cleat-installed ]; then
  say "installing npm packages (npm ci)"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.cleat-installed
fi

have cc || have gcc || have clang || need cc gcc "compiles the packet addon, native/netsys.c"
need /usr/include/stdio.h libc6-dev "C headers for the packet addon"
npm run --silent build:native >&2
[ "$for_what" = run ] && exit 0

need ip iproute2 "makes the lab's network namespaces"
need unshare util-linux "gives the lab a network of its own"
need nsenter util-linux "enters the lab's namespaces"
need git git "holds the Git folder that cleat reconciles"
[ "$for_what" = demo ] && exit 0

# What e2e asks for by name is not skipped.
[ "$for_what" = e2e ] && export CI=true
want openssl openssl "checks certificates from the outside"
want arping iputils-arping "asks for addresses as a client does"
want ndisc6 ndisc6 "asks for IPv6 addresses as a client does"
want tcpdump tcpdump "reads what nodes say on the wire"
# Small virtual machines have kernels without VLANs and bonds.
unshare $([ "$(id -u)" = 0 ] || echo --map-root-user) --net \
  sh -c 'PATH=$PATH:/usr/sbin:/sbin; ip link add bond9 type bond && ip link add link bond9 name bond9.7 type vlan id 7' >/dev/null 2>&1 || {
  want linux.uml user-mode-linux "a kernel in user mode, for VLANs and bonds, which this one lacks"
  want modprobe kmod "loads that kernel's modules"
}
have kubectl || [ -x node_modules/.bin/kubectl ] || {
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleat
  built=$cache/kubectl-$(cat tools/kubectl/go.sum tools/kubectl/main.go | sha256sum | cut -c1-16)
  if [ ! -x "$built" ] && have go; then
    say "building kubectl from its Go module (once, a few minutes)"
    mkdir -p "$cache"
    v=k8s.io/component-base/version
    (cd tools/kubectl && CGO_ENABLED=0 go build -trimpath \
      -ldflags "-s -w -X $v.gitVersion=v1.32.4 -X $v.gitMajor=1 -X $v.gitMinor=32" -o "$built.new" .)
    mv "$built.new" "$built"
  fi
  if [ -x "$built" ]; then
    ln -sf "$built" node_modules/.bin/kubectl
  else
    [ "${CI:-}" = true ] && fail "kubectl is missing and so is Go to build it; install kubectl 1.32, or Go 1.23 or newer"
    say "kubectl is missing and so is Go to build it: the tests that use it are skipped"
  fi
}

want nft nftables "kube-proxy writes its rules with it"
tools/controlplane.sh >/dev/null || {
  [ "${CI:-}" = true ] && fail "the Kubernetes control plane is missing, see above"
  say "the tests that use a real Kubernetes control plane are skipped"
}
tools/memberlist-peer.sh >/dev/null || {
  [ "${CI:-}" = true ] && fail "the peer of the member list is missing, see above"
  say "the tests that use hashicorp's member list are skipped"
}
tools/metallb-peer.sh >/dev/null || {
  [ "${CI:-}" = true ] && fail "MetalLB's controller is missing, see above"
  say "the tests that use MetalLB's own controller are skipped"
}
tools/gateway-api.sh >/dev/null || {
  [ "${CI:-}" = true ] && fail "the definitions of Gateway API are missing, see above"
  say "the tests that use Gateway API are skipped"
}
