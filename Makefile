# Each command makes .venv when it must: see tools/setup.py. Another Python: make run PYTHON=/path/to/python3.12
PYTHON ?= python3
MISSING = No Python called $(PYTHON): install Python 3.10 to 3.13, or name one: make $@ PYTHON=/path/to/python3.12
SETUP = @command -v $(PYTHON) >/dev/null || { echo "$(MISSING)" >&2; exit 1; }; $(PYTHON) tools/setup.py

.PHONY: help run test lint lock clean

help:  ## list these commands
	@sed -nE "s/^([a-z]+):.*## (.*)/make \1 - \2/p" Makefile

run:  ## start the dashboard (PORT=8600 chooses its port)
	$(SETUP) run $(if $(PORT),--port $(PORT)) $(ARGS)

test:  ## run every test, the real-browser ones included (ARGS="-k ink" chooses some, ARGS=-n0 takes one process)
	$(SETUP) test $(ARGS)

lint:  ## check the style with ruff
	$(SETUP) lint $(ARGS)

lock:  ## renew constraints.txt from the two requirement files
	$(SETUP) lock

clean:  ## remove the environment and the caches, never your data
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis test-results
