# Every target sets up what it needs in .venv: only Python 3.11 or newer and git have to be there before.
PYTHON ?= python3
PYTEST_ARGS ?=
# Many tests wait for processes and deadlines: three at a time take half as long on two cores.
TEST_WORKERS ?= 3
BENCH_ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TEST_KINDS := unit contract spec api functional generative architecture

.DEFAULT_GOAL := help
.PHONY: help demo test check generate serve bench soak lint format lock clean $(TEST_KINDS:%=test-%)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2} END {print "  make test-KIND  one kind of test: $(TEST_KINDS)\n  make bench-NAME one of bench/: live_beside_batch, outages, deadline, bulkhead, sharing, intake, merge, client_call, profiled"}' Makefile

demo: .venv/.ready ## one household, seven registers, one signed report, on this machine
	@$(BIN)/verify-service demo

test: .venv/.ready ## all tests but the soak
	@$(BIN)/pytest -m "not soak" -n $(TEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

$(TEST_KINDS:%=test-%): test-%: .venv/.ready
	@$(BIN)/pytest -m "not soak" tests/$* $(PYTEST_ARGS)

check: lint ## lint, types, import contracts, generated files are current
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/verify-service generate --check

generate: .venv/.ready ## write openapi.yaml and schemas/ from the models
	@$(BIN)/verify-service generate

serve: .venv/.ready ## the API with its worker and the simulated registers
	@$(BIN)/verify-service serve --sandbox

HOUSEHOLDS ?= 1000
bench: .venv/.ready ## CPU, latency and throughput beside a textbook implementation, then of a batch
	@$(BIN)/python -m bench.interactive
	@$(BIN)/python -m bench.bulk --households $(HOUSEHOLDS)

bench-bulk: .venv/.ready ## a batch in full: make bench-bulk HOUSEHOLDS=1000000
	@$(BIN)/python -m bench.bulk --households $(HOUSEHOLDS) $(BENCH_ARGS)

bench-%: .venv/.ready
	@$(BIN)/python -m bench.$* $(BENCH_ARGS)

soak: .venv/.ready ## minutes of load and kills
	@$(BIN)/pytest -m soak $(PYTEST_ARGS)

lint: .venv/.ready ## ruff, and the formatter without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.ready ## repair what ruff can, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything that was built (not var/)
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src adapters tests bench migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: a changed lock installs again, a changed pyproject.toml only registers the commands again.
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "verify-service needs Python 3.11 or newer: make PYTHON=/path/to/python3")'
	@echo "Setting up .venv from requirements.lock: once, about a minute"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Own pip settings of a machine are left out: names and hashes must be those that every other machine gets.
COMPILE := env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: .venv/.ready ## choose versions again within pyproject.toml (newer ones: make lock UPGRADE=--upgrade)
	$(COMPILE) $(UPGRADE) --all-extras --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --extra parquet --output-file requirements.runtime.lock pyproject.toml
