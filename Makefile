# Two commands matter to a new user: `make try` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help try test lint bench docs clean

# The first Python that is new enough; name another with: make try PYTHON=/path/to/python3.12
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
CLIENT := tests/client/node_modules
SENDERS := tests/senders/node_modules
RECEIVER := tests/hooks/receivers/node_modules

help:
	@echo "make try    check, build, sign, publish and sync this repository onto a laptop root in .skillway, and show it alive"
	@echo "make test   the whole test run; says what could not be run here and why"
	@echo "make lint   ruff, mypy, import-linter and vermin alone"
	@echo "make bench  the benchmarks, each beside a named peer (needs rsync; some need npm)"
	@echo "make docs   write the generated documentation anew"
	@echo "make clean  remove .venv and .skillway"

# A stamp per set of packages, so that a second run installs nothing; pyproject.toml is what it depends on.
$(VENV)/.try: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found; install one, or run: make try PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing skillway into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[operators]'
	@touch $@

$(VENV)/.dev: $(VENV)/.try
	@echo "Installing the tools of the test run ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The tests' own copies of the client: the pinned one and the newest. Never a client on PATH.
$(CLIENT)/.installed: tests/client/package.json
	@if command -v npm >/dev/null 2>&1; then \
		echo "Installing the Claude Code clients of the tests ..."; \
		npm install --prefix tests/client --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null && touch $@ \
		|| echo "not run: the tests with the real client (npm could not install it)"; \
	else echo "not run: the tests with the real client (no npm)"; fi

# The OpenTelemetry SDK for JavaScript, which sends to our receiver.
$(SENDERS)/.installed: tests/senders/package.json
	@if command -v npm >/dev/null 2>&1; then \
		npm install --prefix tests/senders --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null && touch $@ \
		|| echo "not run: the tests with the OpenTelemetry SDK for JavaScript (npm could not install it)"; \
	else echo "not run: the tests with the OpenTelemetry SDK for JavaScript (no npm)"; fi

# A receiver of telemetry that somebody else wrote.
$(RECEIVER)/.installed: tests/hooks/receivers/package.json
	@if command -v npm >/dev/null 2>&1; then \
		echo "Installing the receiver of the tests ..."; \
		npm install --prefix tests/hooks/receivers --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null && touch $@ \
		|| echo "not run: the tests with the npm receiver (npm could not install it)"; \
	else echo "not run: the tests with the npm receiver (no npm)"; fi

try: $(VENV)/.try
	@$(BIN)/skillway demo

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vermin --quiet --no-tips --eval-annotations -t=3.9- --violations hooks $(wildcard */*/scripts */skills/*/scripts skills/*/*/scripts)

test: $(VENV)/.dev $(CLIENT)/.installed $(SENDERS)/.installed $(RECEIVER)/.installed lint
	$(BIN)/pytest --numprocesses auto --dist loadfile

bench: $(VENV)/.dev $(CLIENT)/.installed
	@missed=""; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || missed="$$missed $$script"; done; \
	test -z "$$missed" || { echo "over a limit, or not run:$$missed"; exit 1; }

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .skillway
