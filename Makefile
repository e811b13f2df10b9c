# fieldgate: `make demo` shows it, `make test` proves it, `make install` puts it on this machine.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test lint devices rigs rig hw-test arm64 bench proof wheel install lock models clean

export PYTHON ?= python3
BIN := .venv/bin
SECONDS ?=
VISION ?=
RIG ?= pty
CUTS ?=
TESTS ?=

help:  ## this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1@\2/p' $(MAKEFILE_LIST) | while IFS=@ read -r name does; do \
		printf '  make %-8s %s\n' "$$name" "$$does"; done

demo:  ## the whole gateway on simulated devices; SECONDS=60 ends it with a summary, VISION=1 adds a camera
	@.ci/setup $(if $(VISION),vision,base)
	@$(BIN)/fieldgate demo $(if $(SECONDS),--seconds $(SECONDS))

test: lint  ## what every change must pass: lint, types, layers, all tests
	@.ci/mosquitto
	@.ci/rtsp
	$(BIN)/pytest -n2

lint:
	@.ci/setup dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

devices:  ## write docs/devices.md anew from the profiles
	@.ci/setup dev
	$(BIN)/python docs/make_devices.py

rigs:  ## tests that need root: the unit under a second systemd
	@.ci/setup dev
	$(BIN)/pytest --timeout 300 hw-tests/systemd

rig:  ## build the virtual machine that `make hw-test RIG=vm` runs (needs root, qemu, mmdebstrap)
	@.ci/setup dev
	@nice -n 5 hw-tests/vm/build

hw-test:  ## the tests of hw-tests/ on a rig: RIG=pty (anywhere), RIG=vm, or a bench's file; TESTS=camera picks
	@.ci/setup dev
	@.ci/mosquitto
	$(BIN)/pytest hw-tests --ignore hw-tests/systemd --rig $(RIG) $(if $(CUTS),--cuts $(CUTS)) $(if $(TESTS),-k "$(TESTS)")

arm64:  ## imports, tests and one inference on emulated aarch64 (needs root, mmdebstrap, qemu-user)
	@.ci/setup dev
	nice -n 5 hw-tests/arm64/run $(TESTS)

bench:  ## every figure that is promised, measured here
	@.ci/setup dev
	@.ci/mosquitto
	$(BIN)/python benchmarks/run.py

wheel:
	@.ci/setup base
	@rm -f dist/*.whl
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

proof:  ## the long survival tests: brokers, agents and cameras that die, cloned cards (about 25 min)
	@.ci/setup dev
	@.ci/mosquitto
	FIELDGATE_PROOF=full $(BIN)/pytest -v -rP tests/survival --timeout 2400

install: wheel  ## into /opt/fieldgate/<version>, with its systemd unit
	$(if $(filter 0,$(shell id -u)),,sudo )systemd/fieldgate-install dist/*.whl

lock:  ## pin the dependencies anew; UPGRADE=1 takes the latest releases
	@.ci/setup dev
	@.ci/lock $(if $(UPGRADE),--upgrade)

models: build/models-venv/ready  ## train the models anew; DATA=folder of labelled images, TRY=1: a few steps, models/ stays
	PYTHONPATH=. build/models-venv/bin/python models/train/all.py $(if $(DATA),--data $(DATA)) $(if $(TRY),--try)

build/models-venv/ready: models/train/requirements.txt
	$(PYTHON) -m venv build/models-venv
	build/models-venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean:  ## remove what was built; .venv too
	rm -rf .venv dist build .*_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
