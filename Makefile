# Short names for the dlt and dbt commands of this project. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help reports spark-reports land load parse invoices explore app doctor freshness check test test-spark lint docs test-docs benchmark fault-matrix lock audit clean diagrams
, := ,
space := $(subst ,, )
hash := \#

ARGUMENTS := AS_OF MONTH CUSTOMER ENVIRONMENT USAGE_FROM USAGE_TO USAGE_EVENT USAGE_PROPERTY USAGE_QUANTITY
SETTINGS := ACCOUNT EXPORT DB DLT_DATA_DIR OUT MEMORY ACCEPT_INCOMPLETE FULL_REFRESH LOG_FORMAT LOCK_WAIT_SECONDS SELLER PDF INVOICE_DOCUMENTS
given := $(foreach name,$(.VARIABLES),$(if $(findstring command,$(origin $(name))),$(name)))
unknown := $(filter-out $(ARGUMENTS) $(SETTINGS) MAKE% -%,$(given))
ifneq ($(unknown),)
$(error Unknown: $(unknown). `make help` lists the arguments)
endif

# A value is plain text: neither make nor the shell evaluates a $ in it.
literal = $(if $(findstring command,$(origin $(1))),override )$(1) := $$(value $(1))
$(foreach name,$(ARGUMENTS) $(SETTINGS),$(if $(filter-out undefined default,$(origin $(name))),$(eval $(call literal,$(name)))))

# The sandbox is used unless an export or a token is configured. ACCOUNT=sandbox always uses the sandbox.
ifndef ACCOUNT
ACCOUNT := $(if $(strip $(value EXPORT)$(SOURCES__METRONOME_EXPORT__BUCKET_URL)$(METRONOME_BEARER_TOKEN)$(SOURCES__METRONOME_API__BEARER_TOKEN)$(wildcard .dlt/secrets.toml)$(shell grep -s '^bucket_url' .dlt/config.toml)),account,sandbox)
endif

ifeq ($(ACCOUNT),sandbox)
override EXPORT := data/sandbox/export
AS_OF ?= 2024-04-15
MONTH ?= 2024-03
ifneq ($(ENVIRONMENT),SANDBOX)
CUSTOMER ?= A1 Company
endif
USAGE_FROM ?= 2024-03-10
USAGE_TO ?= 2024-03-25
endif

# Each account has a separate database and folder of reports, named after the folder of its export. So has Spark.
unsafe := ' " $$ % & ( ) * ; < > ? [ ] \ ` { | } $(hash) ! ~
name := $(notdir $(abspath $(subst $(space),_,$(value EXPORT))))
$(foreach character,$(unsafe),$(eval name := $$(subst $$(character),_,$$(name))))
NAME := $(if $(filter sandbox,$(ACCOUNT)),sandbox,$(or $(name),account))$(if $(filter spark-reports,$(MAKECMDGOALS)),-spark)
DB ?= data/$(NAME)/metronome.duckdb
OUT ?= reports/$(NAME)
# dlt cannot work in a folder with a % or a ' in its path.
DLT_DATA_DIR ?= $(subst ',_,$(subst %,_,$(DB))).dlt

# Values reach the tools through the environment only, so no quote in one can break a command.
unexport $(ARGUMENTS)
$(foreach argument,$(ARGUMENTS),$(eval export REPORT_$(argument) = $$(value $(argument))))
export ACCOUNT OUT DB DLT_DATA_DIR ENVIRONMENT
export DESTINATION__DUCKDB__CREDENTIALS = $(DB)
export DBT_TARGET_PATH = $(DB).target
ifneq ($(strip $(value EXPORT)),)
export SOURCES__METRONOME_EXPORT__BUCKET_URL = $(value EXPORT)
endif
ACCEPTED := $(filter 1 true yes,$(ACCEPT_INCOMPLETE))
ifneq ($(ACCEPTED),)
export SOURCES__METRONOME_EXPORT__ACCEPT_INCOMPLETE = true
endif
ifneq ($(strip $(MEMORY)),)
export DUCKDB_MEMORY_LIMIT = $(MEMORY)
endif
ifneq ($(strip $(LOCK_WAIT_SECONDS)),)
export LOCK_WAIT_SECONDS
endif
ifneq ($(strip $(value SELLER)),)
export SELLER := $(value SELLER)
endif
export PDF INVOICE_DOCUMENTS
export DO_NOT_TRACK = 1

# LOG_FORMAT=json: one JSON object a line, from dlt, dbt and the publisher. Then make does not print its commands.
ifeq ($(LOG_FORMAT),json)
export RUNTIME__LOG_FORMAT = JSON
export DBT_LOG_FORMAT = json
Q = @
endif

BIN := .venv/bin
INSTALLED := .venv/.installed
DEV := .venv/.installed-dev
EXPLORE := .venv/.installed-explore
SPARK := .venv/.installed-spark
UV := $(shell command -v uv)

# dbt, with a garbage collector that rarely runs: a small build takes a fifth less time.
DBT := $(BIN)/python -c "import gc; gc.set_threshold(10_000_000); from dbt.cli.main import cli; cli()"

help:
	@echo "make reports    load the sandbox or your own data, and write the reports"
	@echo "make invoices   the same; with PDF=1 the invoices of MONTH or CUSTOMER as PDF"
	@echo "make spark-reports  the same reports, built on Spark on a cluster of this machine; needs Java 17"
	@echo "make explore    open the tables in Harlequin, an SQL editor in the terminal, on a snapshot"
	@echo "make app        look at one customer in the browser, on the same snapshot"
	@echo "make doctor     check versions, settings, token, database and disk, and print what to fix"
	@echo "make freshness  print how late each table of your data is; fail at three days"
	@echo "make docs       write the dbt docs with the lineage as one page"
	@echo "make check      lint, unit tests and one built database: the developer's loop"
	@echo "make test       lint, pytest and dbt's tests, on the sandbox"
	@echo "make test-spark build the sandbox on both engines, and compare all reports and tables"
	@echo "make test-docs  open the docs page in headless Chromium"
	@echo "make audit      check the locked packages for known vulnerabilities on PyPI"
	@echo "make benchmark  measure both pipelines on the sandbox; takes an hour"
	@echo "make clean      remove the environment, the sandbox and compiled files; keep your data and reports"
	@echo
	@echo "Your own data: EXPORT=<folder of export files>, METRONOME_BEARER_TOKEN in the environment"
	@echo "for the API, or both. Arguments, all optional, with their defaults in parentheses:"
	@echo "  AS_OF=2024-04-03         the instant of balances; a day is its midnight UTC (now)"
	@echo "  MONTH=2024-03            the month of invoice_lines (the last complete one at AS_OF)"
	@echo "  CUSTOMER=\"A1 Company\"    the customer of invoice_lines, by name or id (all customers)"
	@echo "  USAGE_FROM= USAGE_TO=    first and last day of usage_by_property (the days of MONTH)"
	@echo "  USAGE_EVENT=             the type of usage event (image_modeler)"
	@echo "  USAGE_PROPERTY=          the event property to group by (image_size)"
	@echo "  USAGE_QUANTITY=          the event property to sum (num_images)"
	@echo "  ENVIRONMENT=             PRODUCTION or SANDBOX (the only one in the data, else PRODUCTION)"
	@echo "  SELLER=<name and address> the head of the invoice documents"
	@echo "  INVOICE_DOCUMENTS=1000   how many invoices get a page (1000)"
	@echo "  PDF=1                    write the invoices as PDF as well; needs pip install '.[pdf]'"
	@echo "  OUT=<folder>             the folder of the reports ($$OUT)"
	@echo "  DB=<file>                the DuckDB database ($$DB)"
	@echo "  DLT_DATA_DIR=<folder>    the working folder of dlt ($$DLT_DATA_DIR)"
	@echo "  ACCEPT_INCOMPLETE=1      publish without the files and tables of the export that cannot be loaded"
	@echo "  MEMORY=8GB               the memory that DuckDB may use; larger queries spill to disk (4GB)"
	@echo "  FULL_REFRESH=1           build every table again, after an upgrade"
	@echo "  LOG_FORMAT=json          print each line as a JSON object, with the counts and seconds of its step"
	@echo "  LOCK_WAIT_SECONDS=60     how long to wait for another run on the same database (60)"
	@echo "  ACCOUNT=sandbox          use the sandbox even if a token or an export is configured ($$ACCOUNT)"

# A run needs no test tools. uv installs the same lock in a third of the time.
$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(Q)" || echo "Installing requirements.lock in .venv"
	@$(call install,requirements.lock)
	@touch $@

$(DEV): $(INSTALLED) requirements-dev.lock
	@$(call install,requirements-dev.lock)
	@touch $@

$(EXPLORE): $(INSTALLED) requirements-explore.lock
	@echo "Installing requirements-explore.lock in .venv"
	@$(call install,requirements-explore.lock)
	@touch $@

$(SPARK): $(INSTALLED) requirements-spark.lock
	@echo "Installing requirements-spark.lock in .venv"
	@$(call install,requirements-spark.lock)
	@touch $@

ifneq ($(UV),)
install = test -d .venv || "$(UV)" venv -q --python python3 .venv; \
	UV_COMPILE_BYTECODE=1 "$(UV)" pip install -q --python $(BIN)/python --no-deps --require-hashes -r $(1) && \
	"$(UV)" pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
else
install = python3 -m venv .venv && \
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $(1) && \
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
endif

# With the sandbox: write its export, and serve its API while a command runs.
ifeq ($(ACCOUNT),sandbox)
EXPORTED := data/sandbox/.exported
SANDBOX = $(BIN)/python -m sandbox exec $(if $(ENVIRONMENT),--environment "$$ENVIRONMENT" )-- # 
endif
PUBLISH = $(BIN)/python -m pipelines.publish "$$OUT" -- $(ON_CLUSTER)$(DBT) build --selector reports --exclude-resource-type unit_test --quiet$(if $(FULL_REFRESH), --full-refresh)

reports: $(INSTALLED)
	@$(BIN)/python -m pipelines.publish.arguments
	@$(MAKE) --no-print-directory --jobs 2 load parse
	$(Q)$(PUBLISH)
	@$(BIN)/python -m pipelines.common.last_used

# The same on Spark. If there is something to build, a cluster starts on this machine. The tables of the sandbox are
# small: to generate code and to plan a query anew after each stage take longer than they save.
spark-reports: ON_CLUSTER := $(BIN)/python -m pipelines.spark cluster -- # 
ifeq ($(ACCOUNT),sandbox)
spark-reports: export SPARK_PARTITIONS ?= 1
spark-reports: export SPARK_ADAPTIVE ?= false
spark-reports: export SPARK_CODEGEN ?= false
spark-reports: export SPARK_JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC
endif
spark-reports: $(SPARK)
	@$(BIN)/python -m pipelines.publish.arguments
	@DBT_TARGET=spark $(MAKE) --no-print-directory --jobs 2 land parse
	$(Q)DBT_TARGET=spark $(PUBLISH)

land: $(EXPORTED)
	$(Q)$(SANDBOX)$(BIN)/python -m pipelines.spark land$(if $(FULL_REFRESH), --full-refresh)

load: $(EXPORTED)
	$(Q)$(SANDBOX)$(BIN)/dlt pipeline run

data/sandbox/.exported: $(shell find sandbox -name '*.py') $(if $(wildcard data/sandbox/export/*),,always)
	$(Q)$(BIN)/python -m sandbox export data/sandbox/export
	@touch $@

.PHONY: always
always:

# dbt needs ten seconds to parse the project for the first time, and does that during the load.
parse:
	@test -f "$$DBT_TARGET_PATH/partial_parse.msgpack" || $(DBT) parse --quiet --no-write-json

# The same set, with the invoices of the month, or of CUSTOMER, as PDF if PDF=1.
invoices: reports

# The snapshot is a copy, so neither of the two blocks a run.
explore: $(EXPLORE)
	@$(BIN)/python -m explore

app: $(EXPLORE)
	@$(BIN)/python -m explore app

doctor: $(INSTALLED) $(EXPORTED)
ifeq ($(ACCOUNT),sandbox)
	@$(BIN)/python -m sandbox exec -- $(BIN)/python -m pipelines.doctor
else
	@$(BIN)/python -m pipelines.doctor
endif

# Freshness is measured by the clock, not by AS_OF, so the sandbox of 2024 is late.
freshness: $(INSTALLED)
	@$(BIN)/dbt source freshness --log-level warn

# sqlfluff takes a quarter of a second for a file. It reads the files that changed since they last passed, and all of
# them after a change of its settings or of a macro.
SQL := $(shell find models tests/singular -name '*.sql')
SQL_SETTINGS := pyproject.toml requirements-dev.lock dbt_project.yml $(wildcard macros/*.sql)

lint: $(DEV) .venv/.linted
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

.venv/.linted: $(SQL) $(SQL_SETTINGS) | $(DEV)
	@$(BIN)/python tests/lint.py lint --disable-progress-bar --processes 2 $(if $(filter $(SQL_SETTINGS),$?),$(SQL),$?)
	@touch $@

# Each worker takes a file of tests at a time, the most expensive files first (tests/processor_seconds.py). Four workers
# keep two cores busy, because some tests wait for a lock, a server or a browser.
PYTEST := $(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST)

# One Spark session for all of them, so one process. Each engine has a separate database and folder of reports.
test-spark: $(DEV) $(SPARK)
	@env -u DB -u OUT -u DLT_DATA_DIR $(MAKE) --no-print-directory ACCOUNT=sandbox reports
	@env -u DB -u OUT -u DLT_DATA_DIR $(MAKE) --no-print-directory ACCOUNT=sandbox spark-reports
	$(BIN)/pytest tests/spark

check: lint
	$(PYTEST) -m check

# The page shows compiled SQL, so it is made without CUSTOMER, because a name can be HTML. The first time, dbt starts with
# the parse of the reports.
docs: $(INSTALLED)
	@test -f "$$DB" || $(MAKE) --no-print-directory reports
	@mkdir -p target && cp -n "$$DBT_TARGET_PATH/partial_parse.msgpack" target 2>/dev/null || true
	@REPORT_CUSTOMER= DBT_TARGET_PATH=target $(DBT) docs generate --quiet --static
	@echo "The docs are in target/static_index.html"

test-docs: docs $(DEV)
	$(BIN)/pytest tests/docs_page

fault-matrix: $(DEV)
	$(BIN)/python -m tests.fault_matrix > docs/faults.md

diagrams: $(DEV)
	$(BIN)/python -m tests.schema_diagrams > docs/schema.md

benchmark: $(DEV)
	@$(BIN)/python -m benchmarks.run
	@$(BIN)/python -m benchmarks.api
	@$(BIN)/python -m benchmarks.export

# `lock` and `audit` need uv. The locks have names, versions and hashes for every system and Python from 3.11 on,
# and no addresses. The audit also fails if PyPI cannot answer for a package.
lock:
	$(compile) -o requirements.lock
	$(compile) --extra dev --constraints requirements.lock -o requirements-dev.lock
	$(compile) --extra explore --constraints requirements-dev.lock -o requirements-explore.lock
	$(compile) --extra spark --constraints requirements-dev.lock -o requirements-spark.lock

compile = uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --universal --generate-hashes --python-version 3.11 pyproject.toml

audit:
	uvx pip-audit --strict --requirement requirements-dev.lock --require-hashes --disable-pip --progress-spinner off

clean:
	rm -rf .venv target logs data/sandbox data/sandbox-spark reports/sandbox reports/sandbox-spark
