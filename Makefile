# Each target installs what it needs on a fresh machine, and is quick when repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What each target needs beside the package's own dependencies, and the stamp that says that it is installed.
EXTRAS_report :=
EXTRAS_proofs := [proofs]
EXTRAS_bench := [bench]
EXTRAS_test := [test,proofs,certified,bench]
INSTALLED := $(VENV)/.installed-for
# The C++ loop, where a compiler is; without one everything runs in Python.
NATIVE := $(VENV)/.native
# Draws every test's weights and the order of the tests: `make test SEED=3`.
SEED ?= 0
SUITE = OMP_NUM_THREADS=1 NATROB_TEST_SEED=$(1) $(BIN)/python -m pytest -n auto $(BY_FILE) --random-order --random-order-seed=$(1)
# A worker runs the whole of a file, so that what the file's tests share is made once; files stay in random order.
BY_FILE := --dist loadfile --no-loadscope-reorder

.PHONY: help install report test types suite test-long test-orders soak proofs evidence publish bench format clean

help:
	@echo "make report   run the main job on the bundled digits and write output/quick/index.html"
	@echo "make test     format, lint, types, import contracts, tests in random order (SEED=0)"
	@echo "make test-long  the long versions of tests, and every property on six times as many examples"
	@echo "make test-orders  the tests alone, in five orders with five seeds of weights (some thirty minutes)"
	@echo "make soak     search a million pairs beyond every bound: affine ones in L2, L∞ and L1, constants and growth in L∞ and L1"
	@echo "make proofs   check every proof, by sympy and by Coq (installs Coq where apt may be used); one line per claim, and output/proofs.json"
	@echo "make evidence pack the records and proofs.json of reports/ into the file that comes with the package"
	@echo "make publish  write all that is published anew from the committed records: evidence, site, blocks of README and docs"
	@echo "make bench    time natrob beside torchdiffeq, torchode, Foolbox, torchattacks, pyautoattack, ART, auto_LiRPA and bare passes; print one table"
	@echo "make install  only the set-up for all of these, in $(VENV)"
	@echo "make format   rewrite the code as 'make test' wants it"

$(INSTALLED)-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.$(EXTRAS_$*)'
	touch $@

$(NATIVE): $(INSTALLED)-report $(wildcard natrob_theory/native/sources/*)
	$(BIN)/natrob doctor --build
	touch $@

install: $(INSTALLED)-test $(NATIVE)

report: $(NATIVE)
	$(BIN)/natrob report --preset quick --output output/quick

test: $(INSTALLED)-test $(NATIVE)
	tests/install_chromium
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory -j 2 types suite

types:
	$(BIN)/basedpyright

suite:
	$(call SUITE,$(SEED))

test-long: $(INSTALLED)-test $(NATIVE)
	HYPOTHESIS_PROFILE=long $(call SUITE,$(SEED)) -m "long or hypothesis"

test-orders: $(INSTALLED)-test $(NATIVE)
	for seed in 1 2 3 4 5; do $(call SUITE,$$seed) || exit 1; done

# Twice 500,000 pairs are a million native ones.
soak: $(INSTALLED)-test $(NATIVE)
	$(BIN)/python -m benchmarks.affine_bound_search --norm L2 --pairs 1000000
	$(BIN)/python -m benchmarks.affine_bound_search --norm Linf --pairs 500000
	$(BIN)/python -m benchmarks.affine_bound_search --norm L1 --pairs 500000
	$(BIN)/python -m benchmarks.norm_bound_search --pairs 1000000

proofs: $(INSTALLED)-proofs
	proofs/install_coq
	$(BIN)/python -m proofs --json output/proofs.json

evidence: $(INSTALLED)-report
	$(BIN)/natrob claims $(sort $(wildcard reports/*/records)) --proofs reports/proofs.json --write natrob_empirical/evidence/evidence.json

publish: evidence $(INSTALLED)-proofs
	$(BIN)/python -m reports

bench: $(INSTALLED)-bench $(NATIVE)
	$(BIN)/python -m benchmarks

format: $(INSTALLED)-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf output $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coq_cache
