# Everything runs in .venv, made on first use. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install check test test-slow test-matrix demo screenshots bench docs format clean

help:  ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## make the virtual environment and install everything

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]' \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: install  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# Installing compiles nothing: most of it is never imported. What most processes of the tests import is compiled before
# them, once, also where Python is told to write no bytecode.
COMPILED = PYTHONPATH=tests $(BIN)/python -c 'import support.warm_session'
test test-slow test-matrix demo screenshots bench: export PYTHONDONTWRITEBYTECODE :=

# One more than there are processors: tests also wait, for processes and for the disk.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

test: install  ## run the quick tests, side by side
	@$(COMPILED)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: install  ## run the tests that take minutes: kills, fuzzing, other applications, other versions
	@$(COMPILED)
	$(BIN)/python -m pytest -n 2 --dist worksteal -rP --show-capture=stdout tests/slow tests/integration/forks/slow tests/integration/plugin/slow
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow tests/unit tests/integration tests/browser
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile full -m 'hypothesis and not slow' tests/unit tests/integration

test-matrix: install  ## try the versions that people have: one whole path, and what is relied on in them
	$(BIN)/python -m pytest tests/integration/plugin/slow/test_versions.py

# MODEL_URL and MODEL run the demo against a live OpenAI-compatible endpoint instead of the recorded answers.
demo: install  ## run the main job on the example: failing runs in, regression tests out
	@$(BIN)/python examples/analyst/demo.py $(if $(MODEL_URL),--model-url '$(MODEL_URL)') $(if $(MODEL),--model '$(MODEL)')

screenshots: demo  ## take the pictures in docs/: of the report, and of refork try
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1100,1180 --screenshot=docs/report.png \
		file://$(CURDIR)/.demo/analyst/reports/red/report.html
	$(BIN)/python examples/analyst/pictures.py docs/try.svg

bench: install  ## measure, and write docs/benchmarks.md
	$(BIN)/python -m bench

docs: install  ## write the generated parts of docs/
	PYTHONPATH=tests $(BIN)/python -m support.generated_docs

format: install  ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:  ## remove what was made
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
