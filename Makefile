# The words of the workshop. README, CI and people use the same ones; `make` alone
# prints them. Each does all that it needs first, and little when that is done.

# Not PYTHON: that one is for `make setup PYTHON=...`, and make would export ours.
PY := .venv/bin/python
NOTEBOOKS = $(wildcard notebooks/*.ipynb notebooks/deeper/*.ipynb)
# JupyterLab writes the version of whoever saved last: noise in every diff.
STRIP := -m nbstripout --keep-id --extra-keys metadata.language_info.version

.PHONY: help setup lab chapter site test full quick lint korean lock bench bundle clean venv

help: ## Print these words
	@awk -F ': .*## |: *## ' '/^[a-z]+:.*## / { printf "make %-10s%s\n", $$1, $$2 }' Makefile

setup: ## Install packages, make .venv, get the programs and the toolbox image
	@sh tools/setup.sh

lab: setup ## Start the cluster and open JupyterLab (more options: JUPYTER_ARGS=...)
	@settings=$$($(PY) -m helpers up) && eval "$$settings" && \
	exec $(PY) -m jupyterlab --ip=127.0.0.1 $(AS_ROOT) $(NO_BROWSER) $(FIRST_PAGE) \
		--KernelManager.transport_encryption=auto \
		--ServerApp.terminado_settings=shell_command="$${SHELL:-sh}" \
		$(JUPYTER_ARGS) $(FIRST)

# The first lesson in the language of LAB_LANG, if it is there.
FIRST = $(firstword $(if $(LAB_LANG),$(wildcard notebooks/$(LAB_LANG)/00-start-here.ipynb)) \
	notebooks/00-start-here.ipynb)
# The settings are for JupyterLab's terminals: they know kubectl and the cluster. Without
# a name for their shell, it is a login shell where the output goes to a file or a pipe,
# and /etc/profile sets another PATH.
# The notebook at the end is what a browser is opened with, and this is what the printed
# address leads to. It would lead nowhere below another root than the one named here, and
# Jupyter takes no option twice.
FIRST_PAGE = $(if $(findstring dir,$(JUPYTER_ARGS))$(findstring default_url,$(JUPYTER_ARGS)),,\
	--ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/$(FIRST:notebooks/%=%))
# Encryption: kernels listen on ports of 127.0.0.1, where any user may read along.
# Jupyter wants to be told that root is meant; it listens on 127.0.0.1 alone.
AS_ROOT = $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)
# Without a screen Python would open a text browser over the address to click.
NO_BROWSER = $(shell [ -n "$$DISPLAY$$WAYLAND_DISPLAY$$BROWSER" ] || echo --no-browser)

chapter: setup venv ## Run every notebook without a screen; build/chapter has the outputs
	@$(PY) -m helpers up
	@$(PY) -m tools.chapter

site: chapter ## Build a page for each lesson with its outputs: build/site/index.html
	@[ ! -f site/ko/index.md ] || $(PY) -m tools.chapter --language ko
	@sh tools/setup.sh site
	@$(PY) -m tools.site

test: setup lint ## Check style, units, a real cluster, every notebook, in a browser too
	@sh tools/setup.sh tests
	@$(TESTS) -m 'not full' --budget 15 $(PYTEST_ARGS)

full: setup lint ## Check also faults, other backends, builds: what rarely breaks
	@sh tools/setup.sh full && sh tools/setup.sh site
	@$(TESTS) -m 'not covered' --budget 45 $(PYTEST_ARGS)

quick: lint ## Check style and what needs no cluster
	@$(TESTS) -m 'not full and not heavy' --budget 2 $(PYTEST_ARGS)

# As many workers as the machine has room for, each with a cluster of its own.
# PYTEST_ARGS='-n 0' has none: for debuggers.
TESTS = $(PY) -m pytest -n auto --durations 25 --durations-min 2

lint: venv ## Check style, types and dependencies; changes nothing
	@status=0; \
	$(PY) -m ruff check --output-format concise . || status=1; \
	$(PY) -m ruff format --check --output-format concise . || status=1; \
	[ -z "$(NOTEBOOKS)" ] || $(PY) $(STRIP) --verify $(NOTEBOOKS) || status=1; \
	$(TYPES) || status=1; \
	[ $$status = 0 ] || printf '%s\n' \
		'What a program can fix, these fix:' \
		'  $(PY) -m ruff check --fix .; $(PY) -m ruff format .' \
		'  $(PY) $(STRIP) $(NOTEBOOKS)' >&2; \
	exit $$status

korean: venv ## Put what is new in English into locale/ko, and make notebooks/ko of it
	@$(PY) -m tools.korean update
	@$(PY) -m tools.korean write

lock: ## Pin every package for CI and Binder anew: requirements.lock and -test.lock
	@sh tools/setup.sh lock

# Of the whole project, so in a variable: a copy of a part can be linted without them.
TYPES = $(PY) -m mypy && $(PY) -m deptry --no-ansi . && $(PY) -m tools.korean check

venv:
	@sh tools/setup.sh venv

bench: setup venv ## Measure, each figure beside its floor, on one page: some minutes
	@$(PY) benchmarks/page.py

bundle: setup ## Write into dist/ the archive that a first set-up downloads: minutes
	@$(PY) -m tools.bundle

clean: ## Remove what was generated here; never the cluster or its cache
	@rm -rf build dist .pytest_cache .ruff_cache *.egg-info
	@find . -path ./.venv -prune -o -path ./.git -prune -o \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
	@echo 'Kept: .venv (rm -rf .venv), the cluster (how to remove it: README).'
