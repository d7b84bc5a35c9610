PYTHON ?= python3
BIN := .venv/bin

demo: .venv/installed ## load the embedded snapshot and show what can be asked
	$(BIN)/lineage demo

test: .venv/tested ## install the test extra and run every test
	$(BIN)/pytest -n auto --dist worksteal

check: lint types test ## what CI runs

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/tested
	$(BIN)/mypy lineage crawler registry tools benchmarks torture tests

bench: .venv/tested ## measure (half an hour), and write docs/benchmarks.md
	$(BIN)/python -m benchmarks docs/benchmarks.md 180000 3100000

torture: .venv/tested ## mistreat it (an hour and a half), and write docs/reliability.md
	$(BIN)/python -m torture docs/reliability.md

torture-brief: .venv/tested ## the same within minutes, less of each
	$(BIN)/python -m torture --brief

vulnerabilities: .venv/tested ## ask what is known against the libraries that are installed
	$(PYTHON) -m venv --upgrade-deps .venv/pip-audit
	.venv/pip-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv/pip-audit/bin/pip-audit --progress-spinner off --path "$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")"

docs: .venv/tested ## write the generated pages and the README's transcript
	$(BIN)/python -m tools.make_docs

clean:
	rm -rf .venv build dist *.egg-info

.venv/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv --upgrade-deps .venv || { echo "This Python cannot make virtual environments: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/installed: .venv/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/tested: .venv/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch .venv/installed $@

.PHONY: demo test check lint types bench torture torture-brief vulnerabilities docs clean
