# Two commands: `make demo` and `make test`. Python 3.11 or newer and make are all they need.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header
# On PostgreSQL run the tests that touch a database; the others would only repeat themselves.
POSTGRES_TESTS := tests/db tests/web tests/journey tests/socket tests/faults
# The gate runs its lanes three beside each other on two cores, since what starts processes and browsers mostly
# waits for them: that, the rest, what serves sockets, then the rest on PostgreSQL, there without the pages that
# only draw what other tests have read. Of the sockets' tests
# those that never ask the database would only repeat themselves on PostgreSQL, and an HTTP request to a server
# in the tests' own process leaves a connection open there, which no test database outlives.
REST_POSTGRES := tests/db tests/journey $(filter-out $(addprefix tests/web/test_,admin_pages.py static_files.py \
	metrics.py ws_http.py bodies.py),$(wildcard tests/web/test_*.py))
LIVE_TESTS := tests/socket tests/faults
LIVE_POSTGRES := tests/faults $(filter-out $(addprefix tests/socket/test_,raw_frames.py floods.py \
	web_pool.py servers.py layer.py batch.py the_document.py bad_input.py corrections_live.py),$(wildcard tests/socket/test_*.py))
PROCESS_TESTS := tests/run tests/browser tests/andon_channels tests/andon_kills tests/server
REST_TESTS := $(filter-out $(LIVE_TESTS) $(PROCESS_TESTS) tests/live,$(patsubst %/__init__.py,%,$(wildcard tests/*/__init__.py)))
JS_TESTS = $(shell find tests/js -name '*.test.js' -o -name '*.test.mjs')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
LANES := lane-processes lane-rest lane-live lane-live-postgres lane-postgres
.PHONY: help demo demo-verify setup test $(LANES) format lint imports types check test-js test-sqlite \
	test-postgres coverage bench faults andon-kills lock clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## Run all of MS5 with a simulated bakery; Ctrl-C stops it
	@exec $(BIN)/python -m ms5.demo

demo-verify: $(VENV)/.installed ## Play a known script through every process; compare with its answer key (4 minutes)
	@exec $(BIN)/python -m ms5.demo.verify

setup: $(VENV)/.installed-dev ## Make the environment for development

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "MS5 needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python came without venv; on Debian: apt-get install python3-venv" >&2; exit 1; }

# The stamps make a warm start cost nothing.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing requirements-dev.txt"
	@$(PIP) -r requirements-dev.txt
	@touch $@

# The gate, cheapest first. Settings demand a key: this one lives as long as the run.
types check $(LANES) test-sqlite test-postgres coverage: export SECRET_KEY := $(or $(SECRET_KEY),$(shell \
	od -An -N32 -tx1 /dev/urandom | tr -d ' \n'))
types check: export MS5_DATA_DIR := $(CURDIR)/build/check

# One after another, even with -j: the first complaint is the one to read. Of the lanes every one runs to its
# end, so that a run of CI tells of all that fails.
test: setup ## Run everything: lint, types, contracts, checks, JavaScript, Python, both databases
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory imports
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-js
	@$(MAKE) --no-print-directory --jobs 3 --keep-going --output-sync=target $(LANES)
	@echo "All of it passed."

lint: setup ## Formatting and Ruff's rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check

imports: setup ## Who may import whom
	$(BIN)/lint-imports

types: setup ## mypy, strict
	@mkdir -p $(MS5_DATA_DIR)
	$(BIN)/mypy

check: setup ## Django's checks, those for deployment too, and migrations that are missing
	@mkdir -p $(MS5_DATA_DIR)
	$(BIN)/python manage.py check
	MS5_HTTPS=1 ALLOWED_HOSTS=ms5.example MS5_ALLOWED_ORIGINS=https://ms5.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

test-js: ## The browser's modules, with node
	@if command -v node >/dev/null; then \
		echo "node --test tests/js"; node --test $(JS_TESTS); \
	elif [ -n "$$CI" ]; then echo "CI must test JavaScript, and there is no node" >&2; exit 1; \
	else echo "SKIPPED: the JavaScript tests, since there is no node on this machine"; fi

lane-live: setup
	env -u DATABASE_URL $(BIN)/python -m pytest $(LIVE_TESTS)

lane-live-postgres: setup
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest $(LIVE_POSTGRES)

lane-rest: setup
	env -u DATABASE_URL $(BIN)/python -m pytest $(REST_TESTS)

lane-processes: setup
	env -u DATABASE_URL $(BIN)/python -m pytest $(PROCESS_TESTS)

lane-postgres: setup
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest $(REST_POSTGRES)

test-sqlite: setup ## Every Python test, on SQLite
	env -u DATABASE_URL $(BIN)/python -m pytest

test-postgres: setup ## The tests that touch a database, on a PostgreSQL of their own
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest $(POSTGRES_TESTS)

coverage: setup ## Which lines and branches the tests reach
	env -u DATABASE_URL $(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --skip-empty

bench: setup ## Measure: commit to client, appends, polling, fan-out beside two rivals
	$(BIN)/python -m benchmarks

faults: setup ## Hurt a whole stack in every way there is; nothing may be lost (25 minutes)
	env -u DATABASE_URL $(BIN)/python -m tests.faults

andon-kills: setup ## Kill those who sweep and send under 500 calls; nothing may be missed (15 minutes)
	env -u DATABASE_URL $(BIN)/python -m tests.andon_kills

format: setup ## Format, and mend what Ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup ## Pin requirements*.in anew
	$(LOCK) --upgrade -o requirements.txt requirements.in
	$(LOCK) --upgrade -o requirements-dev.txt requirements-dev.in

clean: ## Remove caches and what was built; var/ and .venv/ stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
