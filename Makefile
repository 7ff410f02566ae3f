# Every verb does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test e2e controlplane verify build image fmt gen bench clean
ARGS ?=

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install npm packages and build the packet addon
	@tools/setup.sh run

demo: ## show the main job in a small lab of its own (ARGS=--keep leaves it up)
	@tools/setup.sh demo
	@npm run --silent demo -- $(ARGS)

test: ## run every tier this machine can run (ARGS=unit runs one)
	@tools/setup.sh test
	@npm run --silent test -- $(ARGS)

e2e: ## run what needs a real Kubernetes control plane (builds it once)
	@tools/setup.sh e2e
	@CI=true npm run --silent test -- contract e2e

controlplane: ## build etcd and the Kubernetes control plane for tests, once (needs Go)
	@tools/controlplane.sh

verify: ## format, lint, types, dead code, and nothing generated is stale
	@tools/setup.sh test
	@npm run --silent test -- static
	@npm run --silent gen
	@test -z "$$(git status --porcelain -- manifests docs/reference)" || { git status --short -- manifests docs/reference; git diff -- manifests docs/reference; echo 'generated files differ: commit what make gen wrote'; exit 1; }

build: setup ## bundle the program into dist/
	@npm run --silent build

image: ## build the OCI image with docker or podman (ARGS=--platform=…)
	@tools/image.sh $(ARGS)

fmt: setup ## format everything
	@npm run --silent fmt

gen: setup ## write manifests/ and docs/reference/ anew
	@npm run --silent gen

bench: ## print figures beside a baseline of the same run
	@tools/setup.sh demo
	@npm run --silent bench -- $(ARGS)

clean: ## remove what was built
	rm -rf dist native/build node_modules
