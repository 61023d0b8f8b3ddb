# `make report` and `make test` do all set-up on a fresh machine and are quick when repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install report test proofs bench format clean

help:
	@echo "make report   run the main job on the bundled digits and write output/quick/report.html"
	@echo "make test     format, lint, types, import contracts, tests"
	@echo "make proofs   check every proof, by sympy and by Coq (installs Coq where apt may be used); one line per claim"
	@echo "make bench    time natrob beside torchdiffeq, torchode, Foolbox, torchattacks, ART, auto_LiRPA and bare passes; print one table"
	@echo "make install  only the set-up, in $(VENV)"
	@echo "make format   rewrite the code as 'make test' wants it"

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,proofs,certified,bench]'
	touch $@

install: $(INSTALLED)

report: $(INSTALLED)
	$(BIN)/natrob report --preset quick --output output/quick

test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

proofs: $(INSTALLED)
	proofs/install_coq
	$(BIN)/python -m proofs

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf output $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
