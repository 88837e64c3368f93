# `make view` and `make test` do everything from a bare clone on Debian, Ubuntu or macOS.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help view test check bench images
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1 — /'

view: $(VENV)/.installed $(VENV)/.graphics  ## open the bundled ResNet-56 pair (without a display: render it)
	@$(BIN)/lossviz view

test: check $(VENV)/.window  ## everything that CI runs
	@$(BIN)/pytest

check: $(VENV)/.developed $(VENV)/.graphics  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed $(VENV)/.window  ## start to first picture, beside PyVista
	@$(BIN)/python benchmarks/viewer.py

images: $(VENV)/.developed $(VENV)/.graphics  ## draw the reference pictures anew; look at them before you commit
	@$(BIN)/pytest -q tests/viewer --bless

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "lossviz needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "cannot make $(VENV); on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# torch comes first and by itself, so that nothing else chooses its version.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up $(VENV) …"
	@$(PIP) -c constraints.txt torch torchvision
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	@$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

# OpenGL without a screen, and a virtual screen for the window's tests: added where we may.
$(VENV)/.graphics: | $(BIN)/python
	@sh .ci/packages libEGL.so.1 libegl1 libgl1 libgl1-mesa-dri libegl-mesa0 libglx-mesa0
	@touch $@

$(VENV)/.window: $(VENV)/.graphics
	@sh .ci/packages Xvfb,xdotool xvfb xdotool
	@touch $@
