# What people and .ci/run call. `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
FAST_TESTS := tests/unit tests/property
JOBS := 2
PM_CORPUS ?= ../shared/corpus

.DEFAULT_GOAL := help
.PHONY: help setup demo up down check test agents corpus simulate drill chaos chaos-full scoreboard bench clean format lint types imports generated fast

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(INSTALLED) ## install all of it into .venv; does nothing when nothing changed

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed: install it, or name one: make setup PYTHON=/path/to/python3" >&2; exit 3; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { \
	  echo "Python's venv module is needed (Debian: apt install python3-venv)" >&2; exit 3; }
	@echo "installing requirements/dev.txt into .venv, about a minute the first time" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt || { \
	  echo "The packages of requirements/dev.txt cannot be had. Where PyPI is out of reach, name your index:" >&2; \
	  echo "  PIP_INDEX_URL=https://your.mirror/simple make setup    (or: pip config set global.index-url ...)" >&2; \
	  exit 3; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the main job, from leads to proof; stays up until Ctrl-C
	@$(BIN)/penguin demo

up: setup ## start the stack; return when it is ready
	@$(BIN)/penguin up

down: setup ## drain and stop the stack
	@$(BIN)/penguin down

check: setup ## format, lint, types, import rules, generated files, fast tests: under a minute
	@$(MAKE) --no-print-directory -j$(JOBS) -O types format lint imports generated fast

format:
	@$(BIN)/ruff format --quiet --check . || { echo "cure: $(BIN)/ruff format ." >&2; exit 1; }

lint:
	@$(BIN)/ruff check --quiet .

types:
	@$(BIN)/mypy --no-error-summary

imports:
	@$(BIN)/lint-imports --no-logo >.venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

generated:
	@$(BIN)/penguin catalog --check
	@$(BIN)/penguin client --check

fast:
	@$(BIN)/pytest -q -n $(JOBS) $(FAST_TESTS)

test: check ## check, then every test on a real Kafka and Postgres that it starts itself
	@$(BIN)/pytest -q -n $(JOBS) --dist loadfile tests $(addprefix --ignore=,$(FAST_TESTS) tests/corpus tests/chaos/long tests/drills tests/contract/runtime/long)

agents: setup ## the contract of both stream runtimes at length, the roles under kill -9 on each: minutes
	@$(BIN)/pytest -q tests/contract/runtime
	@for runtime in faust plain; do \
	  PM_STREAM_RUNTIME=$$runtime $(BIN)/pytest -q tests/fault/test_faust_roles.py || exit 1; done

corpus: setup ## judge the classifier on real replies, which lie outside the project (PM_CORPUS)
	@test -d $(PM_CORPUS) || { echo "no corpus in $(PM_CORPUS): set PM_CORPUS to its folder" >&2; exit 3; }
	@PYTHONPATH=. $(BIN)/python tests/corpus/measure.py $(PM_CORPUS)
	@PM_CORPUS=$(PM_CORPUS) $(BIN)/pytest -q tests/corpus

simulate: setup ## the pipeline under a seeded scheduler, 10,000 seeds (PM_SEEDS, PM_SEED: the first)
	@PM_SEEDS=$${PM_SEEDS:-10000} $(BIN)/pytest -q -n $(JOBS) --dist load tests/simulation

drill: setup ## a stack copied in the middle of a campaign sends nothing until authority is taken: minutes
	@$(BIN)/pytest -q tests/drills

chaos: setup ## every chaos plan at CI size and the mutants; an hour, wants the machine alone (PM_CHAOS_SEED)
	@PM_CHAOS_RESULTS=$(CURDIR)/docs/scoreboard $(BIN)/pytest -q -p no:randomly tests/chaos

chaos-full: setup ## the same, and a million sends under 400 kills: hours
	@PM_CHAOS_SIZE=full PM_CHAOS_RESULTS=$(CURDIR)/docs/scoreboard $(BIN)/pytest -q -p no:randomly tests/chaos

scoreboard: setup ## the table of docs/reliability.md, from the results in docs/scoreboard
	@$(BIN)/python -m tests.chaos.scoreboard

sim: setup ## warm-up controllers side by side on simulated receivers; report in docs/warmup-report
	@$(BIN)/python -m ops.sim.report

bench: setup ## measure what docs/performance.md tells; takes minutes, wants the machine alone
	@$(BIN)/python tests/bench/run.py

clean: ## stop the stack and remove its data and caches; .venv stays
	@test ! -x $(BIN)/penguin || $(BIN)/penguin down
	@rm -rf .penguin .mypy_cache .ruff_cache .hypothesis .import_linter_cache
