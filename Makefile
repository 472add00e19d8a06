# Set-up, the two main commands and the checks. Everything else is plain snakemake, dvc, mlflow and semcom.

CORES ?= 2
PYTEST_ARGS ?= -n $(CORES) --dist loadfile
CLUSTER_ARGS ?=
PYTHON ?=

BIN := .venv/bin
# The stamp carries the place: an environment does not survive being moved with its folder.
READY := .venv/.ready-$(shell pwd | cksum | cut -d ' ' -f 1)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup reproduce test test-cluster check
.DEFAULT_GOAL := help

help:  ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*  ## /\1: /p' Makefile

setup: $(READY)  ## make the environment .venv with the versions of constraints.txt (PYTHON=… names an interpreter)

reproduce: setup  ## run the quickstart study, from its data to its report (CORES=2)
	$(BIN)/dvc pull data.dvc
	$(BIN)/snakemake --cores $(CORES)

# One thread in each of the test processes: with more than cores they only wait for each other.
test: export OMP_NUM_THREADS ?= 1
test: setup  ## run the tests; SEMCOM_TEST_DATA=FOLDER adds those on real frames
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# One cluster at a time, and most of its time is waiting: one test process.
test-cluster: export OMP_NUM_THREADS ?= 1
test-cluster: setup  ## run the tests on a real SLURM, started here for them (root), and print the fault table
	@$(BIN)/python tests/cluster/slurm.py --check
	$(BIN)/python -m pytest -m slurm $(CLUSTER_ARGS) tests/cluster

check: setup  ## lint, format, types, workflow files, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports

$(READY): pyproject.toml constraints.txt
	@python=; for name in "$(PYTHON)" python3.11 python3 python; do \
	    if "$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "semcom needs Python 3.11; none of python3.11, python3, python is one. Install it, or say where it is: make setup PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make environments; on Debian and Ubuntu: apt-get install python3.11-venv" >&2; exit 1; \
	fi; \
	if [ -L .venv ]; then \
	    echo ".venv is a link, to $$(readlink .venv): what is there may be another checkout's, so nothing is installed into it. Remove the link (rm .venv) to get an environment here" >&2; exit 1; \
	fi; \
	if [ ! -e $@ ] && ls .venv/.ready-* >/dev/null 2>&1; then clear=--clear; fi; \
	echo "semcom: installing into .venv; this takes some minutes and 7 GB" && \
	"$$python" -m venv $$clear .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
