# Everything runs in .venv, which is made here; it needs Python 3.11 or newer, pip and make.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOG := $(VENV)/install.log
PYTHON ?= $(shell test -e $(READY) && command -v $(BIN)/python || command -v python3.11 || \
            command -v python3 || echo python3.11)
SETUP := requirements-dev.txt constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml) \
         docs/examples/third_party_plugin/pyproject.toml

# `RANDOM=1` draws new examples with hypothesis; another number draws those of an earlier run.
SEED := $(if $(filter 1,$(RANDOM)),$(shell date +%s),$(RANDOM))
# Files begin in the order of conftest.py, which puts the longest first.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder \
          $(if $(SEED),--hypothesis-seed=$(SEED))
# What shows most in half a minute: no laws of all strategies, no statistics, no tests that wait,
# start processes, or read and write large files.
SLOW := strategies/test_laws strategies/test_selection strategies/test_mutation_noise \
        clan/test_arrival clan/test_checkpoint clan/test_end clan/test_integrations \
        clan/test_loader core/test_serialize \
        store/test_many_processes store/test_opening store/test_auto store/test_demo \
        store/test_executors store/test_program store/test_every_strategy store/test_breeding \
        store/test_content store/test_merge neuro/test_executors neuro/test_ranks \
        neuro/test_repro neuro/test_resume neuro/test_selftest neuro/test_strategy_laws
QUICK := tests/autobind tests/clan tests/core tests/store tests/strategies \
         tests/together/test_dependencies.py \
         $(SLOW:%=--ignore tests/%.py)

.PHONY: help demo demo-store check test lint format bench bench-proof docs wheels clean

help:            ## show this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/: *.*##/\t/' | expand -t 12

demo: $(READY)   ## four processes train a language model from settings that are several times off
	$(BIN)/clantune demo

demo-store: $(READY) ## breed the knobs of a small program for a minute, beside random search
	$(BIN)/clantune store demo

check: lint      ## check format, lint and types, and run the fast tests: under a minute
	FAST=1 $(PYTEST) -q $(QUICK)

test: $(READY)   ## run all tests; RANDOM=1 draws new examples, FAST=1 a tenth of them
	$(PYTEST) --ignore tests/distributed --durations 15
	$(PYTEST) tests/distributed --durations 15

lint: $(READY)   ## check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## run all benchmarks but bench-proof; each prints a table and one line of JSON
	@failed=; for script in $(filter-out %/schedules.py,$(wildcard tests/benchmarks/[a-z]*.py)); do \
	  echo "== $$script"; $(BIN)/python $$script || failed="$$failed $$script"; done; \
	test -z "$$failed" || { echo "a bar does not hold, or there was an error:$$failed"; exit 1; }

bench-proof: $(READY) ## compare a clan with other methods on tasks it was not made on: an hour
	rm -rf build/schedules
	$(BIN)/python tests/benchmarks/schedules.py --task denoise --task waves --into build/schedules

docs: $(READY)   ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

wheels: $(READY) ## build every wheel, and try them outside the tree
	.ci/wheels

clean:           ## remove what was made here
	rm -rf $(VENV) docs/_build dist build

# A new environment is made where none is complete, and where another Python is asked for.
IDENTITY := -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null
ifneq ($(shell $(PYTHON) $(IDENTITY)),$(shell test -e $(READY) && $(BIN)/python $(IDENTITY)))
.PHONY: $(READY)
ANEW := yes
endif

$(READY): $(SETUP)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not \
	Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(if $(ANEW),$(PYTHON) -m venv --clear $(VENV))
	@echo "installing requirements-dev.txt, which may take a minute; pip writes $(LOG)"
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt \
	>$(LOG) 2>&1 || { cat $(LOG); exit 1; }
	@touch $@
