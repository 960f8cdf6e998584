# Breakwater: `make run` for the portal with its demo, `make help` for the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PORT ?= 8000
DEMO ?= 1
SECONDS ?= 30
ITEMS ?=

# A stamp is named by what was installed, so that a new lock, and nothing else, installs anew. Each lock holds the one before it.
stamp = .venv/.installed-$(1)-$(shell sha256sum requirements$(2).lock | cut -c1-16)
BASE := $(call stamp,base,)
WITH_DEMO := $(call stamp,demo,-demo)
WITH_DEV := $(call stamp,dev,-dev)
WITH_PEERS := $(call stamp,bench,-bench)
NEEDED_TO_RUN := $(if $(wildcard $(WITH_DEV)),,$(if $(filter 0,$(DEMO)),$(if $(wildcard $(WITH_DEMO)),,$(BASE)),$(WITH_DEMO)))
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all:
BIN := .venv/bin
BUILT := static/built/editor.js
TEMPLATES = $(shell git ls-files 'templates/*.html' '*/templates/*.html')

.PHONY: help run test coverage bench lint shots demo-outage clean test-tools built

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

.venv/bin/python:
	@for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -c 'import ensurepip, venv' 2>/dev/null || { echo "$$python lacks venv: install it (Debian: apt-get install python3-venv)." >&2; exit 1; }; \
	    echo "Making .venv with $$($$python --version)"; $$python -m venv --clear .venv; exit 0; \
	  fi; \
	done; echo "Breakwater needs Python 3.11 or newer." >&2; exit 1

$(BASE): requirements.lock | .venv/bin/python
	@echo "Installing what the portal needs"; $(PIP) -r requirements.lock && touch $@

$(WITH_DEMO): requirements-demo.lock | .venv/bin/python
	@echo "Installing what the portal and its demo need"; $(PIP) -r requirements-demo.lock && touch $@

$(WITH_DEV): requirements-dev.lock | .venv/bin/python
	@echo "Installing what the portal and its checks need"; $(PIP) -r requirements-dev.lock && touch $@

$(WITH_PEERS): requirements-bench.lock | .venv/bin/python
	@echo "Installing what the portal is measured beside"; $(PIP) -r requirements-bench.lock && touch $@

# What is built (docs/adr/0011, 0018): the editor for merges by hand, and the charts. Node comes from the machine, or else out of a wheel.
NODE := $(call stamp,node,-node)
npm = PATH="$(CURDIR)/$(BIN):$$PATH" npm --loglevel=error
has_node = { npm --version && node -e 'process.exitCode = parseInt(process.versions.node) < 18 ? 1 : 0'; } >/dev/null 2>&1

$(NODE): requirements-node.lock | .venv/bin/python
	@echo "Installing Node into .venv (60 MB), since this machine has none of 18 or newer"; $(PIP) --no-compile --retries 1 -r requirements-node.lock && touch $@

node_modules/.package-lock.json: package-lock.json package.json .npmrc
	@$(has_node) || $(MAKE) -s --no-print-directory $(NODE)
	@$(npm) ci --prefer-offline >/dev/null && touch $@

$(BUILT): node_modules/.package-lock.json $(wildcard assets/*.js assets/*/*.js)
	@$(npm) run --silent build

built: $(BUILT) ## the editor for merges by hand and the charts, in static/built (run, test and shots make them themselves)

run: $(NEEDED_TO_RUN) ## the portal on http://127.0.0.1:PORT (PORT=8123), with the demo or empty (DEMO=0); Ctrl-C stops it
	@mkdir -p build; $(MAKE) -s --no-print-directory $(BUILT) 2>build/built.log \
	  || echo "The editor for merges by hand and the charts could not be built (build/built.log says why); pages offer plain fields and pictures."
	@export BREAKWATER_ALLOWED_NETWORKS="$${BREAKWATER_ALLOWED_NETWORKS-127.0.0.0/8,::1/128}"; \
	exec $(BIN)/python manage.py up --port $(PORT) $(if $(filter 0,$(DEMO)),--no-demo,--demo)

demo-outage: $(NEEDED_TO_RUN) ## makes the demo's upstream unreachable for SECONDS=30 and tells what to look at
	@exec $(BIN)/python manage.py demo-outage --seconds $(SECONDS)

lint: $(WITH_DEV) ## everything that can be said without running it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djade --check --target-version 5.2 $(TEMPLATES)
	home=$$(mktemp -d); trap 'rm -rf "$$home"' EXIT; export BREAKWATER_HOME=$$home; \
	$(BIN)/python manage.py makemigrations --check --dry-run; \
	BREAKWATER_ENV=production BREAKWATER_BASE_URL=https://portal.example.org \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING

test: $(WITH_DEV) test-tools $(BUILT) ## all tests, in three runs beside each other: on SQLite, on PostgreSQL (what a database can change), and whole (browsers, killed processes)
	@$(BIN)/python -m tests.all

CHROMIUM = $(firstword $(wildcard /usr/bin/chromium /usr/bin/chromium-browser))
POSTGRES = $(firstword $(wildcard /usr/lib/postgresql/15/bin/postgres))
REDIS = $(firstword $(wildcard /usr/bin/redis-server))
PROMTOOL = $(firstword $(wildcard /usr/bin/promtool))
install = if ! command -v apt-get >/dev/null; then echo "The tests need $(1): install it, this machine has no apt-get." >&2; exit 1; fi; \
	as_root=(); if [ "$$(id -u)" != 0 ]; then command -v sudo >/dev/null || { echo "The tests need $(1): install it, or sudo." >&2; exit 1; }; as_root=(sudo); fi; \
	$${as_root[@]+"$${as_root[@]}"} apt-get update -qq </dev/null; \
	DEBIAN_FRONTEND=noninteractive $${as_root[@]+"$${as_root[@]}"} apt-get install -y -qq --no-install-recommends $(1) </dev/null >/dev/null \
	  || { echo "The tests need $(1), and apt-get could not install it." >&2; exit 1; }

test-tools: ## installs the browser and the servers that the tests drive (Debian's packages)
	@$(if $(CHROMIUM),true,$(call install,chromium))
	@$(if $(POSTGRES),true,$(call install,postgresql-15))
	@$(if $(REDIS),true,$(call install,redis-server))
	@$(if $(PROMTOOL),true,$(call install,prometheus))

coverage: $(WITH_DEV) ## the branches of resilience/patterns that no test takes; fails if there is one
	@mkdir -p build; export COVERAGE_FILE=build/coverage; \
	$(BIN)/coverage run --branch --source=resilience/patterns -m pytest tests/patterns -q -p no:cacheprovider; \
	$(BIN)/coverage report --show-missing --skip-covered --fail-under=100

bench: $(WITH_PEERS) test-tools ## Breakwater beside its peers, with ratios (ITEMS=10000)
	@exec $(BIN)/python -m tests.bench $(if $(ITEMS),--items $(ITEMS))

shots: $(WITH_DEV) test-tools $(BUILT) ## a picture of each page, light and dark, in shots/ (of a demo of its own, or of BASE_URL)
	@exec $(if $(BASE_URL),,$(BIN)/python -m tests.with_portal) $(BIN)/python -m tests.shots

clean: ## removes what was made here: .venv, caches, pictures (never .breakwater, which holds data)
	rm -rf node_modules static/built .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build shots test-results
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
