# Every target sets up what it needs in .venv; nothing is installed outside the checkout.

# PYTHON=... picks the interpreter. Otherwise: the newest supported one that runs and can make a venv. A name on PATH is
# no proof: pyenv leaves shims for versions that are not switched on, Debian packages venv apart.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
USABLE := import sys, ensurepip, venv; assert sys.version_info >= (3, 11)

BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports check format soak mutants races clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' Makefile

$(READY): pyproject.toml
	@$(BIN)/python -c '$(USABLE)' 2>/dev/null && exit; \
	for python in $(CANDIDATES); do \
	  if $$python -c '$(USABLE)' 2>/dev/null; then exec $$python -m venv --clear .venv; fi; \
	done; \
	echo 'no usable Python >= 3.11 with venv among: $(CANDIDATES)' >&2; exit 1
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY) ## watch two scripted agents share one repository, without any account
	$(BIN)/agentroom demo

test: $(READY) ## run all tests
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

lint: $(READY) ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## check types
	$(BIN)/mypy

imports: $(READY) ## check the layers and the one door per library
	$(BIN)/lint-imports --no-logo

check: lint types imports test ## all of the above checks

format: $(READY) ## rewrite files in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# SECONDS=... says for how long, SEED=... where to begin; a failure prints the line that does it again. REPO=... adds, before
# that, real processes on a clone of a repository with history.
SECONDS ?= 600
SEED ?= $(shell date +%s)
REPO ?=
soak: $(READY) ## run simulations with fresh seeds for SECONDS; with REPO=. real processes, too
	$(if $(REPO),$(BIN)/python benchmarks/soak.py $(REPO))
	PYTHONPATH=tests $(BIN)/python -m simulation --seconds $(SECONDS) --seed $(SEED)

mutants: $(READY) ## plant bugs in the product and see that the simulations find each
	PYTHONPATH=tests $(BIN)/python -m simulation --mutants

races: $(READY) ## save 35,000 times against syncs and account for every line
	RACING_WRITES=35000 $(BIN)/python -m pytest -q -s --timeout=0 -n 2 tests/simulation/test_racing_writes.py

clean: ## remove .venv, caches and builds
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
