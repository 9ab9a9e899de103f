# The commands of the project. Each makes what it needs, so a fresh machine needs only Python 3.11+ and make.
PYTHON ?= python3.11
BIN := .venv/bin
export DAGSTER_HOME := $(CURDIR)

.PHONY: install lint test test-all demo ui lock clean

install: .venv/.installed
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,dev]'
	touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -m "not slow"

test-all: lint
	$(BIN)/pytest
