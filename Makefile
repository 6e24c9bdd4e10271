# Every target makes what it needs: python3 (3.11 or newer, with venv), make and git are all that has to be there.
# What is given in ARGS goes to the command behind the target: make run ARGS="model=random_forest horizon=5"

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

# Compiled bytecode is kept even where the environment says not to: without it every start costs as much as the first.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PINS := pyproject.toml requirements/constraints.txt scripts/install

.PHONY: run test test-slow check bench params repro clean help

run: .venv/.has-core ## Run the default experiment and print its table
	@$(BIN)/forecastle run $(ARGS)

test: .venv/.has-test ## Run all tests but the slow ones, doctests included
	@scripts/install-system-packages
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" $(ARGS)

test-slow: .venv/.has-test ## Run the slow tests
	@scripts/install-system-packages
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow $(ARGS)

check: .venv/.has-check ## Check format, lint, types and the import law
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: .venv/.has-core ## Print every timing and table of benchmarks/
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

params: .venv/.has-core ## Compose conf/ into params.yaml
	@$(BIN)/forecastle params $(ARGS)

repro: params ## Compose conf/ and bring the DVC pipeline up to date
	@PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

clean: ## Remove the environment and all caches; runs and data stay
	@rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1 \2/p' Makefile | while read -r target what; do \
		printf '  make %-11s %s\n' "$$target" "$$what"; done

# One stamp for each set of extras: what is installed is not looked at again until the pins change.
.venv/.has-core: EXTRAS := dvc,wandb,store
.venv/.has-test: EXTRAS := test
.venv/.has-check: EXTRAS := test,check

.venv/.has-%: .venv/.has-uv $(PINS)
	@scripts/install "$(EXTRAS)"
	@touch $@

.venv/.has-uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Forecastle needs Python 3.11 or newer, got $$($(PYTHON) --version 2>&1); try make PYTHON=python3.12" >&2; \
		exit 2; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt uv
	@touch $@
