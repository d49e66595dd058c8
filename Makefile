# run · test · demo · bench · snapshots · clean.  Each sets up .venv itself, with nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2

BIN := $(VENV)/bin
APP := $(VENV)/.rungwise-app
DEV := $(VENV)/.rungwise-dev

.PHONY: run test demo bench snapshots clean

run: $(APP)
	@exec $(BIN)/rungwise

# One thread a process: on two cores, two processes of two threads each wait for each other.
test: $(DEV)
	@$(BIN)/ruff format --check --quiet . || { echo "These are not in the agreed layout; mend them with: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports --no-logo
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n $(JOBS) || { status=$$?; \
	  [ $$status -ne 5 ] || echo "pytest found no tests; that is no pass."; exit $$status; }

# The bundled sample up the whole ladder without a terminal, then the journal; in a store that is gone afterwards.
LEAK := It is offered to customers who have said that they leave, so it is not known in time.
demo: $(APP)
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT INT TERM && \
	export RUNGWISE_STORE="$$place/demo.sqlite3" && \
	$(BIN)/rungwise sample -o "$$place/customers.csv" && \
	$(BIN)/rungwise run "$$place/customers.csv" --target churned --accept-recommended --name demo \
	  --answer data.leaks:retention_offer=drop --why "data.leaks:retention_offer=$(LEAK)" && \
	$(BIN)/rungwise log demo && \
	$(BIN)/rungwise verify demo

bench: $(DEV)
	@$(BIN)/python -m tests.benchmarks

# Draws the pictures of the screens again; look at the difference before you commit it.
snapshots: $(DEV)
	@$(BIN)/python -m pytest tests/tui --snapshot-update

clean:
	@rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache snapshot_report.html
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(APP): pyproject.toml constraints.txt
	@$(call install,.[deep])
	@touch $@

$(DEV): pyproject.toml constraints.txt
	@$(call install,.[deep$(comma)boosters$(comma)cluster$(comma)export$(comma)dev])
	@touch $(APP) $@

comma := ,
new_enough := import sys; sys.exit(sys.version_info < (3, 11))
define install
{ $(BIN)/python -c "import pip; $(new_enough)" 2>/dev/null || { \
  $(PYTHON) -c "$(new_enough)" 2>/dev/null || { \
    found=$$({ $(PYTHON) --version 2>&1 || echo "not to be found"; } | tail -n 1); \
    echo "Rungwise needs Python 3.11 or newer, and $(PYTHON) is $$found; name another: make $(MAKECMDGOALS) PYTHON=python3.12"; \
    exit 1; } >&2; \
  $(PYTHON) -m venv $(if $(wildcard $(VENV)/pyvenv.cfg),--clear) $(VENV); }; } && \
{ echo "Setting up $(VENV); the first time this fetches PyTorch and takes some minutes." >&2; \
  $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '$(1)' && \
  $(BIN)/python -m compileall -q engine storage tui; }
endef
