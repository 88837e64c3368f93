# `make view` and `make test` do everything from a bare clone on Debian, Ubuntu or macOS.
#
# On Linux pip's own index offers torch with CUDA (some gigabytes). A build for the CPU alone is
# enough: name an index that has one, make TORCH_FLAGS='--index-url …' view, or set it up in pip's
# configuration, which is honoured.

# The first Python that is new enough; name another with make PYTHON=….
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
TORCH_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Stamps in .venv say what is set up, so that a second `make` starts at once; when pyproject.toml or
# constraints.txt change, it is set up again.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
GRAPHICS := libegl1 libgl1 libgl1-mesa-dri libegl-mesa0 libglx-mesa0
XDISPLAY := xvfb xdotool

.PHONY: help view test check bench bench-viewer bench-engine images references
.DEFAULT_GOAL := help

help:  ## this list
	@sed -nE 's/^([a-z]+):[^#]*## /  make \1   /p' $(MAKEFILE_LIST)

view: $(VENV)/.installed  ## open the bundled ResNet-56 pair (without a display: render it to out/)
	@sh .ci/packages libEGL.so.1,libGL.so.1 $(GRAPHICS) || true
	@$(BIN)/lossviz view

test: check  ## everything that CI runs: the linters, the types, the contracts, the tests
	@sh .ci/packages libEGL.so.1,libGL.so.1 $(GRAPHICS) || true
	@sh .ci/packages Xvfb,xdotool $(XDISPLAY) || true
	@OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.developed  ## the linters, the types and the contracts alone
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

bench:  ## side by side with peers, in environments of their own; a missed bound ends it last
	@$(MAKE) --no-print-directory --keep-going bench-viewer bench-engine

bench-viewer: .venv-bench/.installed
	@sh .ci/packages libEGL.so.1,libGL.so.1 $(GRAPHICS) || true
	@sh .ci/packages Xvfb $(XDISPLAY) || true
	@.venv-bench/bin/python benchmarks/viewer.py

bench-engine: .venv-bench-engine/.installed
	@.venv-bench-engine/bin/python benchmarks/engine.py

images: $(VENV)/.developed  ## draw the README's pictures anew; look at them before you commit
	@$(BIN)/python assets/make_pictures.py

references: $(VENV)/.developed  ## draw the tests' reference pictures anew; look at them too
	@$(BIN)/pytest --quiet --bless -m image

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "lossviz needs Python 3.11 or later; name one: make PYTHON=… $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/packages ensurepip python3-venv || true
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "cannot make $(VENV): on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; \
		exit 1; }

# torch comes first and by itself, so that TORCH_FLAGS chooses only where it comes from.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up $(VENV); the first time takes some minutes …"
	@$(PIP) $(TORCH_FLAGS) torch torchvision
	@$(PIP) --editable .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	@$(PIP) --editable '.[dev]'
	@touch $@

# No torch here: the viewer does not need it, and what is measured is its start.
.venv-bench/.installed: benchmarks/requirements-viewer.txt constraints.txt | $(BIN)/python
	@echo "setting up .venv-bench …"
	@$(BIN)/python -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check \
		-c constraints.txt -r benchmarks/requirements-viewer.txt
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check \
		--no-deps --editable .
	@touch $@

.venv-bench-engine/.installed: benchmarks/requirements-engine.txt constraints.txt pyproject.toml | $(BIN)/python
	@echo "setting up .venv-bench-engine …"
	@$(BIN)/python -m venv .venv-bench-engine
	@.venv-bench-engine/bin/python -m pip install -qq --disable-pip-version-check \
		-c constraints.txt $(TORCH_FLAGS) torch
	@.venv-bench-engine/bin/python -m pip install -qq --disable-pip-version-check \
		-c constraints.txt --editable . -r benchmarks/requirements-engine.txt
	@touch $@
