# `make help` lists what can be done here. Everything that a target needs it installs itself, into .venv.
.DEFAULT_GOAL := help
.PHONY: help run test thorough check lint types arch fast exhaustive bench lifecycle soak fuzz prompts lock clean

VENV := .venv
BIN := $(VENV)/bin
DEMO ?=
INTEROP_WORKERS ?= 2
FUZZ_TARGETS ?=
FUZZ_SECONDS ?= 20
FUZZ_SEED ?= 1
SOAK_MINUTES ?= 30

# A group of tests is a process of its own, which imports and collects what it runs and nothing else. It has all below
# its folder but what another group has; `rest` is what none has. Those that take longest come first.
GROUPS := signaling/h323 mcu/audio caller mcu/net mcu portal drumtower mcu/video signaling auth8021x
FAST := $(addprefix fast/,$(GROUPS) rest)
MARKS := not exhaustive
# One more at a time than there are processors: some wait for other processes, or for time to pass.
AT_ONCE = $(MAKE) --no-print-directory --keep-going --output-sync=target --jobs=$$(($$(nproc) + 1))

.PHONY: $(FAST)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed  ## start the server on this machine; DEMO=1 lets two test callers into the demo room
	@$(BIN)/drumtower serve --demo-room $(if $(DEMO),--demo-callers)

test: $(VENV)/.installed-dev  ## everything: checks, then tests against real browsers and telephones
	@scripts/peers.sh
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory exhaustive
	@echo "== tests against real peers"
	@$(BIN)/python -m pytest tests/interop -m "not shares and not thorough" --timeout=180 --durations=15 -v
	@$(BIN)/python -m pytest tests -m "interop and shares and not thorough" --timeout=180 --durations=10 --numprocesses=$(INTEROP_WORKERS) --dist=loadfile --no-loadscope-reorder

thorough: $(VENV)/.installed-dev  ## variants of the tests against real peers that "make test" leaves out
	@scripts/peers.sh
	@$(BIN)/python -m pytest tests -m "interop and thorough" --timeout=180 --durations=10 -v

check: $(VENV)/.installed-dev  ## format, lint, types, layers, fast tests (under 60 s)
	@$(AT_ONCE) $(wordlist 1,2,$(FAST)) lint types arch $(wordlist 3,99,$(FAST))

lint: $(VENV)/.installed-dev
	@echo "== format and lint"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .

types: $(VENV)/.installed-dev
	@echo "== types"
	@$(BIN)/mypy --no-error-summary

arch: $(VENV)/.installed-dev  ## do the imports point one way?
	@echo "== layers"
	@$(BIN)/lint-imports --no-logo 2>&1 | tail -n 12

fast: $(VENV)/.installed-dev  ## the tests of "make check" alone
	@$(AT_ONCE) $(FAST)

exhaustive: $(VENV)/.installed-dev  ## tests that go through thousands of cases, which "make check" leaves out
	@$(AT_ONCE) $(FAST) MARKS=exhaustive

$(FAST): fast/%: $(VENV)/.installed-dev
	@echo "== tests of $*: $(MARKS)"
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -m "$(MARKS) and not interop" \
	  $(if $(filter rest,$*),tests --ignore=tests/interop,tests/$*) \
	  $(patsubst %,--ignore=tests/%,$(filter $(if $(filter rest,$*),%,$*/%),$(GROUPS))) || [ $$? -eq 5 ]  # 5: it has none

bench: $(VENV)/.installed-dev  ## measure everything beside its baseline, write bench/RESULTS.md (an hour or two)
	@scripts/peers.sh
	@scripts/bench.sh
	@$(BIN)/python -m bench all || true
	@$(BIN)/python -m bench.results

lifecycle: $(VENV)/.installed-dev  ## 10,000 rooms and 300 browsers open and close: does anything grow? (minutes)
	@$(BIN)/python -m bench.lifecycle

soak: $(VENV)/.installed-dev  ## nine people meet for SOAK_MINUTES=30, come, go, lose packets; build/soak.md
	@$(BIN)/python -m bench.soak --minutes $(SOAK_MINUTES)

fuzz: $(VENV)/.installed-dev  ## feed FUZZ_TARGETS (all) changed inputs, FUZZ_SECONDS=20 each, FUZZ_SEED=1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "atheris>=3,<4" || echo "without atheris"
	@nice -n 19 $(BIN)/python -m tests.fuzz $(FUZZ_TARGETS) --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

prompts: $(VENV)/.installed-dev  ## make the spoken announcements again (espeak-ng)
	@$(BIN)/python -m mcu.audio.prompts.make

lock: $(VENV)/.installed-dev  ## write constraints.txt from what is installed
	@$(BIN)/python scripts/lock.py > constraints.txt

clean:  ## remove what make made (never ./data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

$(VENV)/.installed: pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh

$(VENV)/.installed-dev: pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh dev
