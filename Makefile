# Filmgate: `make run` makes a video, `make test` shows that everything works, `make check` reads the code.

PYTHON ?= python3
PROMPT ?= Ocean waves rolling in at sunset
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
KILLS  ?= 1000
INPUTS ?= 10000
CLIENTS := mcp1 fastmcp tdqs litellm langchain
LOCK   := pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-yielding test-313 unit coverage chaos mutants check install install-dev install-clients lock bench client gallery docs pictures clean

help: ## Say what there is to make
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 17

run: install ## Start the service, make one video (PROMPT="…"), keep serving (ONCE=1: stop after the video)
	@PROMPT='$(subst ','\'',$(PROMPT))' ONCE='$(ONCE)' $(BIN)/python scripts/first_run.py

test: install-dev install-clients ## Install what the tests need and run them, of the long ones a tenth that changes daily
	@$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-2} --dist loadgroup tests $(ARGS)

unit: install-dev ## Run the tests of the core, which start no server
	@$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-2} --dist loadgroup tests/core tests/domain $(ARGS)

coverage: install-dev ## Run them, print how many branches of the core they cover, and fail under 90 %
	@$(BIN)/python -m coverage run --branch --source=src/filmgate/core -m pytest -q tests/core tests/domain $(ARGS)
	@$(BIN)/python -m coverage report --fail-under=90

test-all: install-dev install-clients ## Run every test, the long ones too
	@$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-2} --dist loadgroup --all tests $(ARGS)

test-yielding: install-dev ## Run the tests of the core and of the service on a ledger that lets others run around every call
	@YIELDING=all $(BIN)/python -m pytest -n $${PYTEST_WORKERS:-2} --dist loadgroup tests/core tests/service $(ARGS)

test-313: install-dev ## Run all tests on Python 3.13: in a Debian 13 (needs root and mmdebstrap), or with a python3.13 that is here
	@$(BIN)/python scripts/python313.py --clients -n $${PYTEST_WORKERS:-2} --dist loadgroup tests $(ARGS)

chaos: install-dev ## Kill the service KILLS=1000 times, send it INPUTS=10000 malformed requests, and report what was lost
	@$(BIN)/python -m tests.kill --kills $(KILLS) $(ARGS)
	@$(BIN)/python scripts/fuzz.py --inputs $(INPUTS)

mutants: install-dev ## Plant bugs in a copy of the source, and report which tests find each
	@$(BIN)/python -m tests.mutants $(ARGS)

check: install-dev ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

client: install-dev ## Write the synchronous Python client from the asynchronous one
	@$(BIN)/python scripts/sync_client.py

bench: install-dev ## Run every benchmark: queries, submits, waiting, pick-up, following at providers, MCP, the studio
	@for each in benchmarks/*.py; do echo "$$each"; $(BIN)/python $$each || exit 1; done

docs: install-dev ## Build the site of the documentation and serve it (ONCE=1: build only)
	@$(BIN)/python scripts/site.py $(if $(ONCE),,--serve)

pictures: ## Draw the diagrams of the documentation from docs/pictures/diagrams.toml
	@$(PYTHON) scripts/diagrams.py

gallery: install-dev ## Render docs/concepts/gallery.md from what the studio draws
	@$(BIN)/python scripts/gallery.py

install: $(VENV)/.service ## Install the service into .venv
install-dev: $(VENV)/.dev ## Install the service and what develops it into .venv

$(UV): requirements/uv.lock
	@$(PYTHON) scripts/preflight.py
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

$(VENV)/.service: $(UV) requirements/service.lock pyproject.toml
	@test -f $(VENV)/.dev || $(UV) pip sync --quiet --python $(BIN)/python requirements/uv.lock requirements/service.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.lock pyproject.toml
	@$(UV) pip sync --quiet --python $(BIN)/python requirements/uv.lock requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(VENV)/.service $@

install-clients: $(CLIENTS:%=.venvs/%/.done) ## Install clients that need environments of their own into .venvs

.venvs/%/.done: requirements/%.lock | $(UV)
	@$(UV) venv --quiet --clear --python $(BIN)/python .venvs/$*
	@$(UV) pip sync --quiet --python .venvs/$*/bin/python requirements/$*.lock
	@touch $@

lock: $(UV) ## Choose the newest versions allowed and lock them
	@$(UV) $(LOCK) --extra studio -o requirements/service.lock pyproject.toml
	@$(UV) $(LOCK) --extra studio --extra tracing -c requirements/service.lock -o requirements/tracing.lock pyproject.toml
	@$(UV) $(LOCK) --extra studio --group dev -c requirements/service.lock -o requirements/dev.lock pyproject.toml
	@$(foreach name,$(CLIENTS),$(UV) $(LOCK) -o requirements/$(name).lock requirements/$(name).in &&) true

clean: ## Remove everything that was installed or built, but no data
	@rm -rf $(VENV) .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
