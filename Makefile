# Every target sets itself up on a machine that has nothing but Python and make.
.PHONY: run test lint types imports unit bench chaos kill9 lock clean run-environment dev-environment bench-environment
SHELL := /bin/bash
PYTHON_IN := .venv/bin/python
JOBS ?= 2

run: run-environment
	@bash packaging/run.sh

run-environment:
	@packaging/setup.sh run

dev-environment:
	@packaging/setup.sh dev

bench-environment:
	@packaging/setup.sh bench

test: dev-environment
	@$(MAKE) --no-print-directory lint types imports unit

lint:
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .

types:
	$(PYTHON_IN) -m mypy

imports:
	.venv/bin/lint-imports

unit:
	$(PYTHON_IN) -m pytest -n $(JOBS) --dist loadgroup -q

bench: bench-environment
	QT_QPA_PLATFORM=offscreen build/bench-venv/bin/python -m tests.bench

chaos: dev-environment
	$(PYTHON_IN) -m tests.faults --seeds $(or $(SEEDS),300) --jobs $(JOBS)

kill9: dev-environment
	$(PYTHON_IN) -m tests.faults.kill9 --moments $(or $(MOMENTS),20)

lock: dev-environment
	packaging/lock.sh

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
