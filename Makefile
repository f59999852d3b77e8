# `make run` and `make test` need nothing but Python 3.11+, make and pip; everything they install lies in .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lint benchmarks clean help

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp is as new as the last installation; a change of dependencies makes it stale.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

run: .venv/installed  ## the bot; with no DISCORD_TOKEN, on a local page
	$(BIN)/python -m bot

check: .venv/installed lint  ## style, types, floors and the fast tests (two minutes)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m 'not slow'

test: .venv/installed lint  ## everything (fifteen minutes)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## forget the virtual environment
	rm -rf .venv
