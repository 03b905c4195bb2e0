# One file of commands. `make demo` and `make test` set up all they need; only Python 3.11+ and make must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup parts demo test check format homes lock wheel docs figures bench mutants soak clean

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## Create the virtual environment with locked dependencies

$(VENV)/.ready: requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	$(PYTHON) tools/check_python.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt requirements/bootstrap.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

node_modules/.ready: package.json package-lock.json $(VENV)/.ready
	$(BIN)/python tools/npm.py ci --ignore-scripts --no-audit --no-fund
	touch $@

NODE_EXAMPLE := examples/node-serving
NODE_SOURCES := $(wildcard $(NODE_EXAMPLE)/src/*.ts $(NODE_EXAMPLE)/test/*.ts)

$(NODE_EXAMPLE)/node_modules/.ready: $(NODE_EXAMPLE)/package.json $(NODE_EXAMPLE)/package-lock.json $(VENV)/.ready
	$(BIN)/python tools/npm.py --prefix $(NODE_EXAMPLE) ci --ignore-scripts --no-audit --no-fund
	touch $@

$(NODE_EXAMPLE)/dist/.ready: $(NODE_EXAMPLE)/node_modules/.ready $(NODE_EXAMPLE)/tsconfig.json $(NODE_SOURCES)
	rm -rf $(NODE_EXAMPLE)/dist
	$(BIN)/python tools/npm.py --prefix $(NODE_EXAMPLE) run --silent build
	touch $@

# The oldest runtime that graphs promise to load in, in an environment of its own.
.venv-floor/.ready: requirements/floor.txt $(VENV)/.ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-floor
	$(BIN)/uv pip sync --quiet --require-hashes --python .venv-floor/bin/python requirements/floor.txt
	touch $@

parts: node_modules/.ready .venv-floor/.ready $(NODE_EXAMPLE)/dist/.ready ## Install the real parts that tests talk to (Azurite; Debian's redis, prometheus, chromium)
	tools/install-system-parts

demo: $(VENV)/.ready ## Train, export, prove, publish and promote win-probability into ./demo
	$(BIN)/python tools/demo.py --bin $(BIN)

test: parts ## Run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

check: $(VENV)/.ready node_modules/.ready ## Format, lint, strict types, layer contracts, wheel contents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/npm.py exec --offline -- pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(MAKE) --no-print-directory wheel

wheel: $(VENV)/.ready ## Build the wheel and check what it would install
	rm -rf build dist
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	$(BIN)/check-wheel-contents dist

format: $(VENV)/.ready ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

homes: $(VENV)/.ready ## Write the Azure ML components, the GitHub Action, the Azure Pipelines template anew
	$(BIN)/python tools/homes

lock: $(VENV)/.ready ## Resolve dependencies anew: hashes, no index addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes \
	  --no-header --no-annotate --all-extras --group dev pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes \
	  --no-header --no-annotate requirements/floor.in --output-file requirements/floor.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes \
	  --no-header --no-annotate --extra serve --constraints requirements/dev.txt pyproject.toml \
	  --output-file requirements/serve.txt
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	  --generate-hashes --no-header --no-annotate - --output-file requirements/bootstrap.txt

docs: $(VENV)/.ready ## Build the documentation site into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean

figures: $(VENV)/.ready ## Draw the figures of docs/how-parity-works.md
	$(BIN)/python tools/figures.py

bench: $(VENV)/.ready ## Run the benchmarks, side by side with what users would pick instead
	$(BIN)/python benchmarks/convert.py
	$(BIN)/python -W ignore benchmarks/estimators.py
	$(BIN)/python benchmarks/parity.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/predict.py

soak: node_modules/.ready ## 30 minutes of load on the scoring service while everything around it fails; MINUTES=… for less
	$(BIN)/python benchmarks/soak.py --minutes $(or $(MINUTES),30)

mutants: $(VENV)/.ready ## Mutate the code that compares; every mutant that survives must be explained
	$(BIN)/python tools/mutants.py

clean: ## Remove what the commands made
	rm -rf build dist demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.*
