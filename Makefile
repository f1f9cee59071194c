# Thin names for what dlt and dbt do anyway; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help reports doctor freshness test check lint docs test-docs benchmark fault-matrix lock audit clean
space := $(subst ,, )

# The sandbox, unless there is an export or a token of one's own (ACCOUNT=sandbox forces it).
ifndef ACCOUNT
ACCOUNT := $(if $(strip $(EXPORT)$(SOURCES__METRONOME_EXPORT__BUCKET_URL)$(METRONOME_BEARER_TOKEN)$(SOURCES__METRONOME_API__BEARER_TOKEN)$(wildcard .dlt/secrets.toml)$(shell grep -s '^bucket_url' .dlt/config.toml)),account,sandbox)
endif

ifeq ($(ACCOUNT),sandbox)
EXPORT = data/sandbox/export
AS_OF ?= 2024-04-15
MONTH ?= 2024-03
ifneq ($(ENVIRONMENT),SANDBOX)
CUSTOMER ?= A1 Company
endif
USAGE_FROM ?= 2024-03-10
USAGE_TO ?= 2024-03-25
DB ?= data/sandbox/metronome.duckdb
else
# one database per export: two accounts never mix
DB ?= data/account/$(or $(notdir $(abspath $(subst $(space),_,$(EXPORT)))),metronome).duckdb
endif
USAGE_EVENT ?= image_modeler
USAGE_PROPERTY ?= image_size
USAGE_QUANTITY ?= num_images
OUT ?= reports/$(ACCOUNT)

ACCEPTED := $(filter 1 true yes,$(ACCEPT_INCOMPLETE))

# What the tools read. Values reach the shell only through the environment: no quoting can break.
# Texts of the data are handed on as VARS alone: exported as they are, make would run a $(shell …) in them.
unexport CUSTOMER USAGE_EVENT USAGE_PROPERTY USAGE_QUANTITY
quoted = '$(subst ','',$(1))'
var = $(if $(strip $(value $(2))),$(1): $(call quoted,$(value $(2)))$(,) )
, := ,
export VARS = {$(call var,as_of,AS_OF)$(call var,month,MONTH)$(call var,customer,CUSTOMER)$(call var,environment,ENVIRONMENT)$(call var,usage_from,USAGE_FROM)$(call var,usage_to,USAGE_TO)$(call var,usage_event,USAGE_EVENT)$(call var,usage_property,USAGE_PROPERTY)$(call var,usage_quantity,USAGE_QUANTITY)$(if $(ACCEPTED),accept_incomplete: true$(,) )}
# the docs page shows compiled SQL: a customer's name, which may be HTML, does not belong there
export DOCS_VARS = {$(call var,as_of,AS_OF)}
export OUT DB ENVIRONMENT
export DESTINATION__DUCKDB__CREDENTIALS = $(DB)
export DLT_DATA_DIR = $(CURDIR)/data/dlt/$(subst ',_,$(subst $(space),_,$(subst /,_,$(DB))))
ifneq ($(strip $(EXPORT)),)
export SOURCES__METRONOME_EXPORT__BUCKET_URL = $(EXPORT)
endif
ifneq ($(ACCEPTED),)
export SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE = true
endif
ifneq ($(strip $(MEMORY)),)
export DUCKDB_MEMORY_LIMIT = $(MEMORY)
endif
export DO_NOT_TRACK = 1

# One JSON object a line, of dlt, dbt and our own steps; make's own lines are for a person and stay out.
ifeq ($(LOG_FORMAT),json)
export RUNTIME__LOG_FORMAT = JSON
export DBT_LOG_FORMAT = json
echo = :
else
echo = printf '%s\n'
endif

BIN := .venv/bin
INSTALLED := .venv/.installed

help:
	@echo "make reports    load the sandbox, or your own data, and write the CSV reports"
	@echo "make doctor     check versions, settings, token, database, disk: what to fix before a run"
	@echo "make freshness  how late the tables of your data are; fails at three days"
	@echo "make docs       dbt docs with the lineage, as one page"
	@echo "make check      the quick tests: lint, dbt's unit tests, one built database"
	@echo "make test       lint, pytest and dbt's tests, on the sandbox"
	@echo "make test-docs  open the docs page in headless Chromium"
	@echo "make audit      ask PyPI for known vulnerabilities of the locked packages"
	@echo "make benchmark  measure both pipelines on the sandbox, an hour"
	@echo "make clean      remove the environment, the databases and what was built"
	@echo
	@echo "Your own data: EXPORT=<folder of export files>, and METRONOME_BEARER_TOKEN in the"
	@echo "environment for the API; either will do. Arguments, each optional:"
	@echo "  AS_OF=2024-04-03         the instant of balances: a day is its midnight UTC (now)"
	@echo "  MONTH=2024-03            the month of invoice_lines (the last one complete at AS_OF)"
	@echo "  CUSTOMER=\"A1 Company\"    the customer of invoice_lines, by name or id (everybody)"
	@echo "  USAGE_FROM= USAGE_TO=    first and last day of usage_by_property (the days of MONTH)"
	@echo "  USAGE_EVENT=             the kind of event (image_modeler)"
	@echo "  USAGE_PROPERTY=          the property to count by (image_size)"
	@echo "  USAGE_QUANTITY=          the property to sum up (num_images)"
	@echo "  ENVIRONMENT=             PRODUCTION or SANDBOX (the only one there is, else PRODUCTION)"
	@echo "  OUT=<folder>             where the CSVs go ($(OUT))"
	@echo "  DB=<file>                the DuckDB database ($(DB))"
	@echo "  ACCEPT_INCOMPLETE=1      publish without files and tables of the export that cannot be loaded"
	@echo "  MEMORY=8GB               what DuckDB may take; the rest spills to disk (4GB)"
	@echo "  FULL_REFRESH=1           build every table anew, after an upgrade"
	@echo "  LOG_FORMAT=json          each line a JSON object, with the counts and seconds of its step"
	@echo "  ACCOUNT=sandbox          the sandbox, though there is a token or an export ($(ACCOUNT))"

$(INSTALLED): requirements.lock pyproject.toml
	@$(echo) "Installing the locked environment in .venv: about a minute, once"
	@python3 -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

reports: $(INSTALLED)
ifeq ($(ACCOUNT),sandbox)
	@$(echo) "Making the sandbox account: python -m pipelines.sandbox export $(EXPORT)"
	@$(BIN)/python -m pipelines.sandbox export $(EXPORT)
	@$(echo) "Loading its export and its API: dlt pipeline run"
	@$(BIN)/python -m pipelines.sandbox exec $(if $(ENVIRONMENT),--environment "$$ENVIRONMENT") -- $(BIN)/dlt pipeline run
else
	@$(echo) "Loading: dlt pipeline run"
	@$(BIN)/dlt pipeline run
endif
	@$(echo) "Building and testing what new data can change, of the sandbox two minutes at most: dbt build --vars \"$$VARS\""
	@$(BIN)/python -m pipelines.publish "$$OUT" -- $(BIN)/dbt build --exclude-resource-type unit_test --log-level warn $(if $(FULL_REFRESH),--full-refresh) --vars "$$VARS"

doctor: $(INSTALLED)
ifeq ($(ACCOUNT),sandbox)
	@test -d $(EXPORT) || $(BIN)/python -m pipelines.sandbox export $(EXPORT)
	@$(BIN)/python -m pipelines.sandbox exec -- $(BIN)/python -m pipelines.doctor
else
	@$(BIN)/python -m pipelines.doctor
endif

# By the clock, not AS_OF: the sandbox of 2024 is late.
freshness: $(INSTALLED)
	@$(BIN)/dbt source freshness --log-level warn

# sqlfluff takes a third of a second for a file: it reads those that changed since they were last good,
# and all of them after a change of its settings or of a macro.
SQL := $(shell find models tests/singular -name '*.sql')
SQL_SETTINGS := pyproject.toml requirements.lock dbt_project.yml $(wildcard macros/*.sql)

lint: $(INSTALLED) .venv/.linted
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

.venv/.linted: $(SQL) $(SQL_SETTINGS) | $(INSTALLED)
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 $(if $(filter $(SQL_SETTINGS),$?),$(SQL),$?)
	@touch $@

# Two workers take a file of tests each, the dearest first (tests/processor_seconds.py).
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST)

# The quick part of `make test`, for the loop of a developer.
check: lint
	$(PYTEST) -m check

docs: $(INSTALLED)
	@test -f "$$DB" || $(MAKE) --no-print-directory reports
	@$(BIN)/dbt docs generate --quiet --static --vars "$$DOCS_VARS"
	@echo "The docs are in target/static_index.html"

test-docs: docs
	$(BIN)/pytest tests/docs_page

fault-matrix: $(INSTALLED)
	$(BIN)/python -m tests.fault_matrix > docs/faults.md

benchmark: $(INSTALLED)
	@$(BIN)/python -m benchmarks.api
	@$(BIN)/python -m benchmarks.export

# Both need `pip install uv`. The lock has names, versions and hashes for every system and Python from
# 3.11 on, and no addresses. The audit asks PyPI which of its versions have a known vulnerability; it
# fails, too, if PyPI cannot tell of one.
lock:
	uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --universal --generate-hashes --extra dev --python-version 3.11 pyproject.toml -o requirements.lock

audit:
	uvx pip-audit --strict --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off

clean:
	rm -rf .venv data target logs reports/sandbox reports/account
