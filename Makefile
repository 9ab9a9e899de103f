# The commands of the project. Each makes what it needs: a fresh machine needs only Python 3.11 to 3.13 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PORT ?= 3000
export DAGSTER_HOME := $(CURDIR)
# Steps and tests run in processes of their own: where bytecode may not be kept, each of these would compile the package again.
unexport PYTHONDONTWRITEBYTECODE
# Dagster prints each use of `job execute` as superseded; it is still the command that needs no running server.
QUIET := PYTHONWARNINGS="ignore:Function"

.DEFAULT_GOAL := help
.PHONY: help install demo ui test test-all test-extras lint results lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## make .venv from the pinned constraints.txt
.venv/.installed: pyproject.toml constraints.txt
	@echo "installing into .venv (a few minutes; later calls skip this)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@

demo: install ## two turns of the wheel on the embedded closed world, then a table of the metrics
	$(QUIET) $(BIN)/dagster job execute -m wow_flywheel.definitions -j flywheel

ui: install ## the Dagster web UI with schedules and sensors, on http://localhost:3000
	$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

lint: install ## ruff, mypy --strict, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Four workers on two cores: many tests wait for processes that they start.
test: lint ## lint and all tests but the slow ones
	$(BIN)/pytest -n 4 --dist worksteal -m "not slow"

test-all: lint ## lint and all tests, property tests with all their examples
	WOW_TEST_EFFORT=all $(BIN)/pytest -n 4 --dist worksteal

test-extras: install ## training on a Ray cluster of two nodes, metrics in MLflow; installs those extras (500 MB) into a venv of its own
	$(PYTHON) -m venv .venv-extras
	.venv-extras/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	.venv-extras/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev,ray,mlflow]'
	.venv-extras/bin/python -m pytest -n 0 wow_flywheel_tests/training/test_trackers.py
	.venv-extras/bin/python -m pytest -n 0 -p no:unraisableexception wow_flywheel_tests/defs/test_ray.py # Ray leaves sockets open

results: install ## the figures of docs/results.md, over three seeds, and ablations (about half an hour on two cores)
	$(BIN)/python -m benchmarks.wheel --ablations

lock: ## pin what .venv holds into constraints.txt
	@echo "# Every dependency, pinned: what \`make install\` puts into .venv. Rewritten by \`make lock\`." > constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | sed -E 's/^(torch==[0-9.]+)\+.*/\1/' >> constraints.txt

clean: ## remove what the demo wrote: logs, tables, models, runs
	rm -rf data .dagster
