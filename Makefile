# Everything sets itself up: a virtual environment in the checkout, packages from the index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUB_VENV := .venv-stubs
AUDIT_VENV := .venv-audit
VERSIONS := .venv-versions
# Where the generated stubs go; a test points it elsewhere and compares.
OUT ?= clients/python
GO_OUT ?= .
# Where the API reference goes; the same.
REFERENCE ?= docs/api
# The contract as of the last release, with which `make check` compares today's.
RELEASED := .ci/released.binpb
# How often `make faults` kills the server; SEED=N repeats a run.
KILLS ?= 200
# The oldest generator that works: what it writes loads on every protobuf from 6.33 on.
STUB_TOOLS := grpcio-tools==1.71.2 mypy-protobuf==3.6.0

# How often `make bench` measures each thing, and how many devices its largest roll has;
# how often `make faults-postgres` kills the primary.
ROUNDS ?= 5
DEVICES ?= 10000000

# How much `make fuzz` does.
FILES ?= 1000000
STREAMS ?= 10000

# At how many moments `make power-loss` loses power.
MOMENTS ?= 600

# How often `make races` begins anew.
RACES ?= 100

# How many agents `make storm` lets switch on at once.
AGENTS ?= 40000

# How many tokens and IMEIs `make attack` guesses.
TOKENS ?= 10000
IMEIS ?= 1000000

# Without a database, or about that of SQLite alone: nothing that would be another on PostgreSQL.
NOT_ON_POSTGRES := $(foreach folder,domain fuzz client demo docs languages tls faults power_loss,--ignore=tests/$(folder))

.PHONY: demo test test-postgres check stubs reference audit-dependencies bench ceiling storm attack races faults \
  faults-postgres power-loss fuzz clean

demo: $(VENV)/server  ## the main job: upload 200,000 devices, enroll some
	$(BIN)/rollbook demo

test: $(VENV)/dev $(STUB_VENV)/ready  ## everything that is known to work
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-postgres: $(VENV)/dev $(STUB_VENV)/ready  ## the same, with every server on PostgreSQL
	ROLLBOOK_TEST_DATABASE=postgresql \
	  $(BIN)/python -m pytest --numprocesses auto --dist worksteal tests $(NOT_ON_POSTGRES)

check: $(VENV)/dev  ## style, types, contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(RELEASED)

stubs: $(STUB_VENV)/ready  ## write clients/python/rollbook/v1 from proto/
	PATH="$(CURDIR)/$(STUB_VENV)/bin:$$PATH" $(STUB_VENV)/bin/python -m grpc_tools.protoc -Iproto \
	  --python_out=$(OUT) --pyi_out=$(OUT) --grpc_python_out=$(OUT) --mypy_grpc_out=quiet:$(OUT) \
	  proto/rollbook/v1/*.proto

reference: $(VENV)/dev  ## write docs/api from the comments in proto/
	$(BIN)/python docs/reference/run.py $(REFERENCE)

.PHONY: go-stubs clients go-client typescript-client java-client released-contract
go-stubs: $(VENV)/dev  ## write clients/go/v1 from proto/; needs Go
	$(BIN)/buf generate --output $(GO_OUT)

clients: go-client typescript-client java-client  ## build those for other languages

go-client:  ## needs Go 1.25
	cd clients/go && go vet ./... && go build -o build/ ./examples/enroll

typescript-client: clients/typescript/node_modules/ready  ## needs Node.js 20.15
	npm --prefix clients/typescript run build

java-client:  ## needs Java 17 and Maven 3.8
	mvn --batch-mode --no-transfer-progress --quiet --file clients/java/pom.xml package

clients/typescript/node_modules/ready: clients/typescript/package-lock.json
	npm --prefix clients/typescript ci --ignore-scripts
	@touch $@

released-contract: $(VENV)/dev  ## at a release: let later contracts be compared with this one
	$(BIN)/buf build --exclude-source-info --output $(RELEASED)

audit-dependencies: $(VENV)/dev  ## known vulnerabilities of what is installed
	@[ -x $(AUDIT_VENV)/bin/pip-audit ] || { $(PYTHON) -m venv $(AUDIT_VENV) && \
	  $(AUDIT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; } || true
	$(BIN)/python .ci/audit_dependencies.py $(AUDIT_VENV)/bin/pip-audit $(BIN)/python

.PHONY: screenshots
screenshots: $(VENV)/dev  ## the pictures of terminals in docs/images, anew
	$(BIN)/python tests/screenshots/run.py docs/images

.PHONY: versions
versions: $(VENV)/dev  ## the oldest and the newest of Python, grpcio and protobuf that are allowed
	$(BIN)/python .ci/versions.py $(VERSIONS) $(BIN)/python

bench: $(VENV)/dev  ## speed, as ratios measured in one run
	$(BIN)/python tests/benchmarks/run.py $(ROUNDS) $(DEVICES)

ceiling: $(VENV)/dev  ## how near to an empty call an enrollment can come, by how long its work takes
	$(BIN)/python tests/benchmarks/ceiling.py $(ROUNDS)

storm: $(VENV)/dev  ## AGENTS devices switch on at once: how long the slowest waits
	$(BIN)/python tests/benchmarks/storm.py $(AGENTS)

attack: $(VENV)/dev  ## guess TOKENS tokens and sweep IMEIS IMEIs while honest devices enroll
	$(BIN)/python tests/benchmarks/attack.py $(TOKENS) $(IMEIS)

races: $(VENV)/dev  ## one device in 64 threads while its token and its row change, RACES times ten rounds
	RACES=$(RACES) $(BIN)/python -m pytest --override-ini timeout=0 tests/races

fuzz: $(VENV)/dev  ## files and streams of every kind against parser and server
	$(BIN)/python tests/fuzz/run.py --parser $(FILES) --server $(STREAMS) $(if $(SEED),--seed $(SEED))

faults: $(VENV)/dev  ## nothing is lost or doubled: KILLS of the server, and as many lost clients
	$(BIN)/python tests/faults/run.py $(KILLS) $(SEED)

power-loss: $(VENV)/dev  ## nothing answered is lost with the power, at MOMENTS moments of a record
	$(BIN)/python tests/power_loss/run.py $(MOMENTS) $(SEED)

faults-postgres: $(VENV)/dev  ## nothing is lost or doubled in a failover: ROUNDS kills of a primary
	$(BIN)/python tests/faults_postgres/run.py $(ROUNDS) $(SEED)

clean:
	rm -rf clients/go/build clients/typescript/dist clients/typescript/node_modules \
	  clients/typescript/src/generated clients/java/target
	rm -rf $(VENV) $(STUB_VENV) $(AUDIT_VENV) .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf $(VERSIONS)

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Rollbook needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/server $(VENV)/dev: $(VENV)/%: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(STUB_VENV)/ready: Makefile
	$(PYTHON) -m venv $(STUB_VENV)
	$(STUB_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(STUB_TOOLS)
	@touch $@
