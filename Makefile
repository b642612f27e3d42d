# The commands of the project; `make help` lists them. What is missing on the machine is said in one sentence.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ARGS ?=

.PHONY: help setup java node browser try test check format bench chaos fuzz mutants ship docs release lock stubs clean

help:  ## this list
	@grep -hE '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | awk -F':.*  ## ' '{printf "make %-8s %s\n", $$1, $$2}'

setup: $(STAMP)  ## everything that is Python, into .venv, from pinned and hashed requirements
	@$(BIN)/python -c '' 2>/dev/null || { rm -f $(STAMP); $(MAKE) --no-print-directory $(STAMP); }

$(STAMP): requirements-dev.txt pyproject.toml tools/setup.sh
	@tools/setup.sh $(VENV) && touch $@

java: setup  ## the Java parts of the tests (broker, second registry), into .cache (once), and Java where it is missing
	@$(BIN)/python -m tests.support.java

node: setup  ## the JavaScript client that the tests read with, into .cache (once), and Node.js where it is missing
	@$(BIN)/python -m tests.support.node

browser: setup  ## Chromium, for tests that look at pages, by the system's package manager where it may
	@$(BIN)/python -m tests.support.browser

try: setup  ## events from a simulated org through the real data path, on this machine alone (ARGS="…")
	@$(BIN)/sfbridge try $(ARGS)

quick: check  ## the checks and the unit tests, without what takes long: for the time between two edits
	$(BIN)/python -m pytest -q --quick -n $$((3 * $(JOBS))) --dist worksteal tests/unit tests/contract tests/test_house.py $(ARGS)

pythons: setup  ## the unit tests on Python 3.11, 3.12 and 3.13, as far as they are installed
	@JOBS=$(JOBS) tools/pythons.sh $(ARGS)

test: setup java node browser  ## the test suite, real broker included (ARGS="…" goes to pytest)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: setup  ## ruff, the formatter, mypy strict
	@failed=0; \
	$(BIN)/ruff check --quiet . || failed=1; \
	$(BIN)/ruff format --check --quiet . || { echo 'not formatted: make format'; failed=1; }; \
	$(BIN)/mypy || failed=1; \
	exit $$failed

format: setup  ## format the code and sort imports
	$(BIN)/ruff check --select I --fix --quiet .
	$(BIN)/ruff format .

bench: setup java  ## the promised numbers beside the floor loop and a plain Python bridge, and their change (ARGS="--help")
	$(BIN)/python -m tests.bench $(ARGS)

chaos: setup java  ## kills, cuts and outages, the long form (ARGS="…" goes to pytest)
	$(BIN)/python -m pytest tests/chaos $$($(BIN)/python -m tests.chaos.elsewhere) --long --timeout 3600 $(ARGS)

fuzz: setup  ## broken inputs for every parser, ten minutes; findings become cases (ARGS="--seconds 60 --only …")
	$(BIN)/python -m tests.fuzz $(ARGS)

mutants: setup java  ## changes that break a promise, and whether the tests notice (ARGS="--list", "--unit", "--only WORDS")
	$(BIN)/python -m tests.mutants $(ARGS)

ship: setup  ## image, chart, unit, rules, compose file and bill of materials, checked by the tools that they are for
	$(BIN)/python -m pytest -q --ship tests/ship --timeout 1800 $(ARGS)

docs: .cache/site/.stamp  ## the pages as a site with search, into build/site
	@.cache/site/bin/mkdocs build --quiet -f tools/site/mkdocs.yml && echo "build/site/index.html"

release: .cache/release/.stamp  ## wheel, source, chart, bill of materials and checksums into dist/ (docs/releasing.md)
	@tools/release.sh .cache/release/bin/python

.cache/site/.stamp .cache/release/.stamp: .cache/%/.stamp: tools/requirements/%.txt | setup
	@$(BIN)/python -m venv .cache/$* && .cache/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

lock: setup  ## resolve the requirements, with hashes; pins stay (ARGS=--upgrade)
	@tools/lock.sh $(ARGS)

stubs: setup  ## the compiled form of Salesforce's pubsub_api.proto, which is kept in the repository
	@tools/stubs.sh

clean:  ## remove everything that the other targets made
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
