# One command each. A fresh machine needs Python 3.11 or newer, make and git; everything else is installed here.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
export DAGSTER_HOME ?= $(abspath $(or $(VITALGRAPH_HOME),.vitalgraph))
export VITALGRAPH_HOME ?= .vitalgraph

.PHONY: help install demo test dev check bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## create .venv with the pinned dependencies and the project

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## a small faulty cohort lands, the sensors see it, facts and training lines come out
	env -u VITALGRAPH_HOME $(BIN)/vitalgraph demo

test: install .venv/servers .venv/browser ## the whole test suite, servers included
	$(BIN)/python -m pytest -n 2 --dist loadscope

# PostgreSQL comes from the distribution; the S3-protocol server is a Python package in the lock file.
.venv/servers: | install
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || { \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; }
	@touch $@

# The review desk is tested in a real browser, without a window.
.venv/browser: | install
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null; }
	@touch $@

UI_PORT ?= 3000
API_PORT ?= 8000
dev: install ## Dagster UI, daemon, API and review desk on loopback
	@exec $(BIN)/vitalgraph dev --ui-port $(UI_PORT) --api-port $(API_PORT)

check: install ## lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy vitals resources pipeline operations assets sensors dagster_project interfaces
	$(BIN)/lint-imports

bench: install ## benchmarks as ratios measured in one run; writes benchmarks/results.json
	$(BIN)/python -m benchmarks

lock: install ## pin the newest dependencies that fit
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --upgrade --quiet --custom-compile-command "make lock" -o requirements.lock

clean: ## remove the environment and local state
	rm -rf .venv .vitalgraph build *.egg-info
