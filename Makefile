# Both `make quickstart` and `make test` set everything up on a machine with Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUICKSTART := runs/quickstart
# Tests run side by side, a thread each: more threads than cores make everything many times slower.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

.PHONY: quickstart test check coverage site wheel tools results clean

$(BIN)/mecsim: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch  # first, and pinned: no other package picks it
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

quickstart: $(BIN)/mecsim
	$(BIN)/mecsim train quickstart --out $(QUICKSTART) --force
	$(BIN)/mecsim sweep $(QUICKSTART) greedy random --preferences 101 --episodes 200 --out $(QUICKSTART)-sweep --force

test: $(BIN)/mecsim
	$(PYTEST)

coverage: $(BIN)/mecsim
	$(PYTEST) --cov=mecsim --cov=mecsim_agents --cov-report=term:skip-covered

check: $(BIN)/mecsim
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

site: $(BIN)/mecsim
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(BIN)/mecsim
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

tools: $(BIN)/mecsim
	test -e experiments/tools/.venv-made || PYTHON=$(BIN)/python bash experiments/tools/setup.sh
	$(BIN)/python experiments/tools/run.py

results: $(BIN)/mecsim
	$(BIN)/python experiments/results.py

clean:
	rm -rf $(VENV) dist build runs
