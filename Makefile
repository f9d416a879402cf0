# Everything is done by a target of this file, on a machine that has python3 (3.11 or newer, with venv), make and git.
# Set-up happens by itself, inside the checkout: .venv, node_modules and .cache. Done once, it is skipped.

MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# Set-up steps share .venv, and two CPU cores are no place to run two test suites at once.
.NOTPARALLEL:

BIN := .venv/bin
PY := $(BIN)/python
NPM := $(PY) tools/npm.py
STAMPS := .cache/stamps

# Ctrl-C is how a server is meant to end: make is not to call that an error.
UNTIL_CTRL_C := trap : INT;
ENDED := || [ $$? -eq 130 ]

# What the tools check; .venv and node_modules are left out by their own settings in pyproject.toml.
SHELL_SCRIPTS := .ci/run tools/python .github/actions/notify-deploy-status/notify.sh
WORKFLOWS := $(wildcard .github/workflows/*.yml)
ACTIONS := $(wildcard .github/actions/*/action.yml)

##@ The two commands

demo: $(STAMPS)/demo frontend/dist/index.html ## Watch a deploy: serve, and run the real workflow on this machine
	@$(UNTIL_CTRL_C) $(BIN)/phaseline demo $(ARGS) $(ENDED)

test: $(STAMPS)/dev $(STAMPS)/test-tools frontend/dist/index.html frontend/graphiql/dist/index.html test-frontend test-python ## Run every test, except the slow ones

##@ Working on it

test-python: $(STAMPS)/dev $(STAMPS)/test-tools frontend/dist/index.html frontend/graphiql/dist/index.html ## Run the Python tests; ARGS="-k words" picks some
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

test-frontend: frontend/node_modules/.package-lock.json ## Run the frontend's tests
	$(NPM) frontend run test

test-slow: $(STAMPS)/dev $(STAMPS)/test-tools frontend/dist/index.html tests/benchmarks/node/node_modules/.package-lock.json ## Run the tests that take minutes
	$(BIN)/pytest -m slow --timeout 600 $(ARGS)

BENCH := $(STAMPS)/dev $(STAMPS)/test-tools frontend/dist/index.html tests/benchmarks/node/node_modules/.package-lock.json

bench: $(BENCH) ## Measure beside peers for half an hour, and write docs/benchmarks.md
	$(PY) -m tests.benchmarks $(ARGS)

bench-quick: $(BENCH) ## Measure a little of everything in two minutes, and print it
	$(PY) -m tests.benchmarks --plan quick --no-page $(ARGS)

soak: $(STAMPS)/dev $(STAMPS)/test-tools ## Let everything go wrong for ten minutes, and write docs/soak.md; ARGS="--seconds 1800 --seed 7"
	$(PY) -m tests.faults.soak $(ARGS)

serve: $(STAMPS)/demo frontend/dist/index.html ## Serve, as PHASELINE_… variables say (`phaseline settings` lists them)
	@$(UNTIL_CTRL_C) $(BIN)/phaseline serve $(ENDED)

graphiql: frontend/graphiql/dist/index.html ## Build GraphiQL, which is served where PHASELINE_GRAPHIQL is true

migrate: $(STAMPS)/demo ## Bring the database to the newest revision
	$(BIN)/phaseline migrate

format: $(STAMPS)/dev ## Format the Python files, and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

generate: $(STAMPS)/dev frontend/codegen/node_modules/.package-lock.json ## Write again what is generated: SDL, diagram, frontend types
	$(PY) tools/generated.py
	$(NPM) frontend/codegen run generate

picture: $(STAMPS)/dev $(STAMPS)/test-tools frontend/dist/index.html ## Take the README's picture anew
	$(PY) -m tests.journeys.picture

lock: $(STAMPS)/dev ## Write requirements*.lock again, after pyproject.toml has changed
	$(PY) tools/lock.py

wheel: $(STAMPS)/dev ## Build the wheel, complete with the console page, into dist/
	$(BIN)/uv build --wheel --python $(PY) --no-build-isolation --out-dir dist

rehearse: ## Run the two commands in a clean clone, with a bare PATH and empty caches
	tools/python tools/rehearse.py

clean: ## Remove what was built and fetched; `make` makes it again
	rm -rf .venv .cache dist build frontend/dist frontend/node_modules frontend/codegen/node_modules tests/tools/node_modules tests/benchmarks/node/node_modules
	rm -rf frontend/graphiql/dist frontend/graphiql/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

##@ Checking

CHECKS := check-style check-types check-imports check-frontend check-generated check-locks check-workflows check-addresses

check: $(STAMPS)/dev ## Run every check below, and name all that fail
	@failed=; for check in $(CHECKS); do \
		echo "» $$check"; $(MAKE) $$check || failed="$$failed $$check"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi; echo 'All checks pass.'

check-style: $(STAMPS)/dev ## Lint and formatting of the Python files
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: $(STAMPS)/dev ## Types of the Python files, strictly
	$(BIN)/mypy

check-imports: $(STAMPS)/dev ## The layers: who may import whom
	$(BIN)/lint-imports

check-frontend: frontend/node_modules/.package-lock.json ## Types of the frontend
	$(NPM) frontend run check

check-generated: $(STAMPS)/dev frontend/codegen/node_modules/.package-lock.json ## The SDL, the diagram and the frontend's types are what their sources generate
	$(PY) tools/generated.py --check
	$(NPM) frontend/codegen run generate -- --check

check-locks: $(STAMPS)/dev ## The locks are made from today's pyproject.toml; CI also makes them again and compares
	$(PY) tools/lock.py --inputs

check-workflows: $(STAMPS)/dev ## The workflows, the action and the shell scripts
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jactionlint $(WORKFLOWS)
	$(BIN)/zizmor --offline --strict-collection --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions $(ACTIONS)
	if [ -x $(BIN)/shellcheck ]; then $(BIN)/shellcheck $(SHELL_SCRIPTS); fi

check-addresses: $(STAMPS)/dev ## No registry's address and no path of somebody's machine is in git
	$(PY) tools/addresses.py

help: ## List these targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo test test-python test-frontend test-slow bench bench-quick soak serve graphiql migrate format generate picture lock wheel rehearse clean check $(CHECKS) help

# --- Set-up. A stamp is younger than what it was made from, or its step is done again. ---

SETUP := tools/python tools/environment.py tools/progress.py tools/caches.py pyproject.toml requirements-uv.lock

$(STAMPS)/dev: requirements-dev.lock $(SETUP)
	@tools/python tools/environment.py dev
	@mkdir -p $(STAMPS) && touch $(STAMPS)/demo $@

# The dev lock holds all that the demo's does, at the same versions.
$(STAMPS)/demo: requirements.lock $(SETUP)
	@tools/python tools/environment.py demo
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test-tools: tests/tools/node_modules/.package-lock.json tests/tools/chromium.py tests/tools/github.py tests/tools/postgres.py | $(STAMPS)/dev
	@echo '» making the test browser ready' && $(PY) tests/tools/chromium.py
	@echo '» making the test databases ready' && $(PY) tests/tools/postgres.py
	@echo '» making what GitHub publishes of itself ready' && $(PY) tests/tools/github.py
	@touch $@

# npm writes .package-lock.json last of all, when everything is installed.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json | $(STAMPS)/demo
	@$(NPM) $* ci
	@touch $@

# Folders are in the list as well: they change when a file in them goes away.
FRONTEND_SOURCES := $(shell find frontend -mindepth 1 \( -name node_modules -o -name dist -o -path frontend/test \
	-o -path frontend/codegen -o -path frontend/graphiql \) -prune -o -print)

frontend/dist/index.html: $(FRONTEND_SOURCES) frontend/node_modules/.package-lock.json
	@echo '» building the console page'
	@$(NPM) frontend run build
	@touch $@

frontend/graphiql/dist/index.html: $(wildcard frontend/graphiql/*.*) frontend/graphiql/node_modules/.package-lock.json \
		frontend/node_modules/.package-lock.json
	@echo '» building GraphiQL'
	@$(NPM) frontend/graphiql run build
	@touch $@
