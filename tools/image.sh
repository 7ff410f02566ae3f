#!/usr/bin/env bash
# `make image`: builds the image of the Dockerfile under the name that manifests/install.yaml has, with the container engine
# that answers: docker or podman. Arguments go to its build command: --platform=linux/amd64,linux/arm64 --push.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=localhost/cleat:$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)

for engine in docker podman; do
  "$engine" info >/dev/null 2>&1 || continue
  "$engine" build --tag "$tag" "$@" .
  echo "image: $tag"
  exit 0
done
echo 'image: no container engine answers; start docker, or install podman (Debian: apt-get install podman). What the image would hold is assembled and started by: make test ARGS=interop' >&2
exit 2
