# `make` prints what there is. Everything runs in .venv, which is made from requirements locks.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STANDINS := ../shared/standins

# What the user writes reaches the program as it is: make does not expand it, the shell gets it as a variable.
override export PROMPT := $(value PROMPT)
override export STYLE := $(value STYLE)

.DEFAULT_GOAL := help

.PHONY: help demo up doctor install test chaos bench simulate kube check format schemas lock env clean

help:  ## Print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/run  ## Make a video with the offline providers: PROMPT="…" STYLE=Educational
	@$(BIN)/keyframe demo $(if $(value STYLE),--style="$$STYLE") $(if $(value PROMPT),-- "$$PROMPT")

up: $(VENV)/run  ## Run all six services here: the page is at http://127.0.0.1:3000
	@$(BIN)/keyframe up

doctor: $(VENV)/run  ## Look at every part once, and say what to do where one fails
	@$(BIN)/keyframe doctor

install: $(VENV)/dev  ## Install everything, for developers too

test: $(VENV)/dev  ## Run all tests on real Kafka and real Postgres
	@$(BIN)/python -m pytest $(ARGS)

chaos: $(VENV)/dev  ## Kill, pause, cut off and fill up whatever runs, under load: JOBS=30 SEED=…
	@$(BIN)/python -m tests.chaos $(if $(JOBS),--jobs=$(JOBS)) $(if $(SEED),--seed=$(SEED))

bench: $(VENV)/dev  ## Measure, and write docs/benchmarks.md
	@$(BIN)/python -m tests.bench $(ARGS)

simulate: $(VENV)/dev  ## Plan for 100 to a million videos a day, and write docs/scale.md
	@$(BIN)/python -m tools.simulate $(ARGS)

kube: $(VENV)/dev  ## Prove the Kubernetes manifests on the cluster of the current context, or on a stand-in where there is none
	@if ! kubectl config current-context >/dev/null 2>&1 && [ -x $(STANDINS)/kube-up ]; then \
		exports=$$($(STANDINS)/kube-up) && eval "$$exports" || exit 1; fi; \
	load=; [ "$$(kubectl config current-context)" != standin ] || load="--load $(STANDINS)/kube-load"; \
	$(BIN)/python -m tests.kubernetes.prove $$load $(ARGS)

check: $(VENV)/dev  ## Format, lint, types, import contracts, schema drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m keyframe.contracts --check

format: $(VENV)/dev  ## Format the code and sort its imports
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

schemas: $(VENV)/dev  ## Write schemas/json and the generated pages of docs/ anew from the code
	$(BIN)/python -m keyframe.contracts
	$(BIN)/python -m runtime.metrics > docs/metrics.md
	$(BIN)/python -m tools.prometheus_rule > deploy/kubernetes/components/prometheus-operator/rule.yaml

lock: | $(BIN)/uv  ## Lock the dependencies anew, with hashes and without an index
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra stack pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra stack --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	for part in base script images voice assembler gateway; do \
		$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
			--no-header -c requirements.lock $$([ $$part = base ] || echo --extra $$part) pyproject.toml \
			-o requirements/$$part.lock || exit 1; \
	done

clean:  ## Remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

# An install that was cut off leaves packages that look whole: every one is laid anew.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "KeyFrame needs Python 3.11 or newer; choose one with make PYTHON=python3.x" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "The Debian package python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --disable-pip-version-check --ignore-installed uv==0.13.9 >$(VENV)/pip.log 2>&1 \
		|| { echo "uv could not be installed, see $(VENV)/pip.log; the first run needs a network" >&2; exit 1; }

$(VENV)/run: requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing KeyFrame into $(VENV) (some 800 MB once: a voice model, a Java runtime, FFmpeg, OpenCV) …"
	@$(BIN)/uv pip install -q --reinstall --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml $(VENV)/run
	@$(BIN)/uv pip install -q --reinstall --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
