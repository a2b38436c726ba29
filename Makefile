# Every target sets up what it needs in .venv; nothing is installed outside the checkout.

# PYTHON=... picks the interpreter. Otherwise: the newest supported one that runs and can make a venv. A name on PATH is
# no proof: pyenv leaves shims for versions that are not switched on, Debian packages venv apart.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
USABLE := import sys, ensurepip, venv; assert sys.version_info >= (3, 11)

BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports check format soak clean

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

# REPO=... names another repository with history; the agents work in a clone of it.
REPO ?= .
soak: $(READY) ## let scripted agents work on a clone of this repository and account for every line
	$(BIN)/python benchmarks/soak.py $(REPO)

clean: ## remove .venv, caches and builds
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
