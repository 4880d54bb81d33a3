# Every target prepares what it needs in .venv and reuses it afterwards. From another folder: make -C path/to/gen3d TARGET
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
# One environment, two stages: `demo` needs the runtime stage only; the development stage includes it.
RUNTIME := $(VENV)/.ready-runtime
DEV := $(VENV)/.ready-dev
SETTINGS := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: help demo check test test-blender test-gui lint format addon clean distclean
# Two stages must not install into one environment at the same time.
.NOTPARALLEL:

help:
	@echo "make demo    nine new chairs from the shipped model, written to demo/"
	@echo "make check   ruff, pyright and the fast tests: a minute on two cores, to be run before every commit"
	@echo "make test    all tests, in two processes"
	@echo "make test-blender  the add-on's tests in every supported Blender (4 GB, needs Python 3.11 and 3.13)"
	@echo "make test-gui  the add-on in real windows on a virtual screen (Linux; see tests/gui/window.py)"
	@echo "make lint    ruff and pyright, the add-on also against the stubs of the oldest and newest Blender"
	@echo "make format  rewrite the sources in the project's style"
	@echo "make addon   the Blender extension's zip for this platform, written to dist/"
	@echo "make clean   remove what the targets above made, except .venv (make distclean removes that too)"

demo: $(RUNTIME)
	$(BIN)/gen3d sample --model chairs --seed 7 --count 9 --out demo

# Pyright beside the tests. Fast are those of the core that stand on no training, and what reads the tree.
check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python & types=$$!; \
	    $(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not trained" \
	        tests/core tests/test_architecture.py; tests=$$?; \
	    wait $$types && exit $$tests

test: $(DEV)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-blender: $(DEV)
	$(BIN)/python -m tests.addon.every_blender

test-gui: $(DEV)
	$(BIN)/python -m pytest tests/gui -s

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m tests.addon.every_stub

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

addon: $(RUNTIME)
	$(BIN)/python build_addon.py

clean:
	rm -rf demo dist build *.egg-info .pytest_cache .ruff_cache

distclean: clean
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "gen3d needs Python 3.11 or newer, which '$(PYTHON)' is not; name one, for example: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu it needs the package python3-venv" >&2; exit 1; }

$(RUNTIME): $(SETTINGS) | $(BIN)/python
	@echo "Installing the runtime into $(VENV) (needed once)"
	@$(INSTALL) .
	@touch $@

$(DEV): $(SETTINGS) | $(BIN)/python
	@echo "Installing everything that training and tests need into $(VENV) (about 2.5 GB, needed once)"
	@$(INSTALL) '.[dev]'
	@touch $(RUNTIME) $@
