# backstack: `make up` makes a hub on this machine, `make test` passes the tests. Everything else is below.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Everything is compiled with the engine's flags, the command, its tests and for the linters, so that what several use is
# compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false -gcflags=all=-dwarf=0
GO_TEST = $(GO) test -vet=off # by `make lint`, for all packages at once
ENGINE_PACKAGES := ./redis ./settle # those of the engine's own that compile without its patches
LINKER_FLAGS := -s -w -X github.com/back-stack/backstack/internal/cli.version=$(VERSION)

.PHONY: help
help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: up
up: build ## Build everything and install a hub on this machine
	@bin/backstack install

.PHONY: down
down: build ## Remove the hub again
	@bin/backstack uninstall

.PHONY: build
build: requirements ## Build the command at bin/backstack
	@$(GO) build -ldflags="$(LINKER_FLAGS)" -o bin/backstack ./cmd/backstack

.PHONY: test
test: requirements ## Run all tests, those against a real hub too
	@cd engine/platform && $(GO_TEST) $(ENGINE_PACKAGES)
	@$(GO_TEST) $$($(GO) list ./... | grep -v '/backstack/test$$')
	@$(GO_TEST) -timeout 60m -count 1 ./test # always: Go does not see that it is about a command that has changed

.PHONY: lint
lint: requirements ## Check format, vet and staticcheck
	@unformatted="$$(gofmt -l $$(git ls-files '*.go'))"; \
		if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet -tags e2e,bench ./...
	@$(GO) tool -modfile=tools/go.mod staticcheck -tags e2e,bench ./...
	@cd engine/platform && $(GO) vet $(ENGINE_PACKAGES) && \
		$(GO) tool -modfile=../../tools/go.mod staticcheck $(ENGINE_PACKAGES)

.PHONY: bench
bench: build ## Measure install, commit, uninstall and memory, as ratios within one run
	@$(GO_TEST) -tags bench -timeout 60m -run '^$$' -bench . -benchtime 1x ./test/bench

.PHONY: e2e-kind
e2e-kind: requirements ## Test hubs on real kind clusters; needs docker (KIND_NODE_IMAGE, KIND_CONFIG)
	@$(GO_TEST) -tags e2e -timeout 60m -count 1 -p 1 ./internal/cluster/kind ./test/kind

.PHONY: bench-kind
bench-kind: requirements ## Measure a hub on kind beside a bare kind cluster
	@$(GO_TEST) -tags e2e -timeout 30m -run '^$$' -bench . -benchtime 1x ./test/kind

.PHONY: generate
generate: ## Pack the engine's sources into the command again
	@$(GO) generate ./...

# What is missing is named at once, with how to get it.
.PHONY: requirements
requirements:
	@missing=""; \
		have="$$(cd / && $(GO) env GOVERSION 2>/dev/null || true)"; \
		case "$$have" in "" | go1.[0-9] | go1.[0-9].* | go1.1[0-9]* | go1.20*) \
			missing+="  go 1.26 or newer, or 1.21 or newer, which fetches it$${have:+ (this is $$have)}: https://go.dev/dl/"$$'\n';; \
		esac; \
		command -v git >/dev/null || missing+="  git: apt-get install git"$$'\n'; \
		command -v $${CC:-cc} >/dev/null || missing+="  a C compiler: apt-get install gcc libc6-dev"$$'\n'; \
		if [ -n "$$missing" ]; then printf 'This needs, and did not find:\n%s' "$$missing" >&2; exit 2; fi
