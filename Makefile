# Two commands do all the set-up: `make replay` and `make test`. Everything lands in .venv.
PYTHON ?= python3
CONFIG ?= harness.yaml
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PYTHONUTF8 = 1

.DEFAULT_GOAL := help
.PHONY: help replay shadow gate scenarios test soak bench bench-sidecar isolation calibrate check format screenshots schema lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

replay: $(VENV)/run.stamp ## replay the recorded log to champion and challengers, then gate (CONFIG=, LOG=)
	$(BIN)/harness replay $(CONFIG) $(if $(LOG),--log $(LOG))

shadow: $(VENV)/run.stamp ## stand before the champion and mirror its traffic until Ctrl-C (CONFIG=)
	$(BIN)/harness shadow $(CONFIG)

gate: $(VENV)/run.stamp ## judge a stored run again (RUN=runs/...)
	$(BIN)/harness gate $(RUN)

scenarios: $(VENV)/run.stamp ## run every scenario and compare its verdict with the known truth
	$(BIN)/python -m harness.testing.scenario scenarios

test: $(VENV)/test.stamp ## run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not soak" $(ARGS)

soak: $(VENV)/test.stamp ## run the long tests; the sidecar's takes 10 minutes (SOAK_MINUTES=)
	$(BIN)/python -m pytest -m soak $(ARGS)

bench: $(VENV)/test.stamp ## print measured figures beside a peer or a limit
	$(BIN)/python -m benchmarks

bench-sidecar: $(VENV)/test.stamp ## what the sidecar costs users, beside nginx and Envoy (needs wrk and nginx)
	$(BIN)/python -m benchmarks.sidecar

isolation: $(VENV)/test.stamp ## what users notice of bad challengers, beside nginx and Envoy (root for all of it)
	$(BIN)/python -m benchmarks.isolation $(ARGS)

calibrate: $(VENV)/run.stamp ## simulate how often the statistics err; fails on a broken promise (minutes)
	$(BIN)/python -m harness.testing.calibration --jobs 2 --out docs/statistics/operating-characteristics.md

check: $(VENV)/test.stamp ## lint, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

screenshots: $(VENV)/test.stamp ## replay the log and photograph the report (CONFIG=; needs Chromium)
	rm -rf .cache/screenshots
	-$(BIN)/harness replay $(CONFIG) --run .cache/screenshots/run -o .cache/screenshots/report.html
	$(BIN)/python -m harness.testing.screenshots .cache/screenshots/report.html docs/images

format: $(VENV)/test.stamp ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/test.stamp ## write the locked requirements anew
	$(PIP) install --quiet "pip-tools>=7.4"
	$(BIN)/pip-compile $(LOCK) --extra build --extra demo -o requirements.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra build --extra demo --extra prices --extra test -c requirements.txt -o requirements-test.txt pyproject.toml

LOCK := --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean: ## remove what the targets made (runs stay)
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache *.egg-info

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "harness needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) install --quiet --require-hashes -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/run.stamp
	$(PIP) install --quiet --require-hashes -r requirements-test.txt
	touch $@
