# Breathline: `make demo` and `make test` do everything on a machine with Python >= 3.11 and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Stages start as `python -m cli.stage NAME`: the environment's own python must come first. Nothing phones home.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false
export HF_HUB_DISABLE_TELEMETRY := 1
# Compiled modules are kept, whatever the shell says: each process starts 0.2 s sooner.
unexport PYTHONDONTWRITEBYTECODE

# Tests fail where a file or pipe of the project takes the encoding of the locale (pyproject.toml).
tests test-quick test-long: export PYTHONWARNDEFAULTENCODING := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick test-long test-pythons tests check lint types docs audit format lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## install the locked environment into .venv (6 GB; needs no GPU)

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Breathline needs Python 3.11, 3.12 or 3.13; pass PYTHON=python3.12, say")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[0-9a-f]$$/p' requirements.lock > $(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: setup ## the whole graph on the generated demo corpus, then its results
	breathline recipe use demo
	dvc repro
	breathline report

test: setup lint ## all that CI runs: lint, types, the site and tests, some twelve minutes on two cores
	$(MAKE) --jobs=2 tests types docs

# Four processes for two cores: many tests wait for servers, kills and disks. One thread each, for torch as well.
PYTEST := OMP_NUM_THREADS=1 python -m pytest -n 4 --dist loadscope --no-loadscope-reorder

tests: setup ## the tests of `make test`, without lint and types
	$(PYTEST) --durations=25

test-quick: setup ## the unit tests that take no more than half a second each
	$(PYTEST) -n 2 tests/unit tests/known_issues -m "not slow and not long" \
		--hypothesis-profile=quick

test-long: setup ## the exhaustive tests that `make test` leaves out; before an issue is closed
	$(PYTEST) --durations=25 -m long

test-pythons: ## test-quick on each Python that is installed, with an environment of 6 GB for each
	for version in 3.11 3.12 3.13; do \
		command -v python$$version > /dev/null || { echo "python$$version is not installed"; continue; }; \
		$(MAKE) VENV=.venv-$$version PYTHON=python$$version test-quick || exit 1; \
	done

check: lint types audit ## lint, types and audit: the code without its tests

lint: setup ## ruff (style, format and security), and the wording of docstrings and docs
	ruff check .
	ruff format --check .
	python -m tests.lint.wording

types: setup ## mypy, strict
	mypy

docs: setup ## the site of the documentation, in site/index.html; no warning, dead link or dead anchor, and no network
	python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet --doctree-dir .cache/docs docs site
	@echo 'the documentation: site/index.html'

audit: setup ## known vulnerabilities of the packages in requirements.lock; needs the network, and says so without it
	python -m tests.lint.audit

format: setup ## put the code into the house format
	ruff check --fix-only .
	ruff format .

lock: setup ## resolve requirements.lock anew from pyproject.toml, and from it the lock of the image for serving
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --output-file requirements.lock
	$(BIN)/uv pip compile deploy/serve-requirements.in --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --output-file deploy/serve-requirements.lock

clean: ## remove the environment and all that stages made (DVC's cache stays)
	rm -rf $(VENV) data/*/ reports/plots .checkpoints .locks .cache site
