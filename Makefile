# The words of the workshop. README, CI and people use the same ones; `make` alone
# prints them. Each does all that it needs first, and little when that is done.

# Not PYTHON: that one is for `make setup PYTHON=...`, and make would export ours.
PY := .venv/bin/python
NOTEBOOKS = $(wildcard notebooks/*.ipynb notebooks/deeper/*.ipynb)
# JupyterLab writes the version of whoever saved last: noise in every diff.
STRIP := -m nbstripout --keep-id --extra-keys metadata.language_info.version

# The notebook of the lesson NN
LESSON := $(wildcard notebooks/$(NN)-*.ipynb notebooks/deeper/$(NN)-*.ipynb)

.PHONY: help setup lab stop status doctor chapter lesson site test full machines conformance quick lint korean home lock pins follow older bench bundle clean venv

help: ## Print these words
	@awk -F ': .*## |: *## ' '/^[a-z]+:.*## / { printf "make %-12s%s\n", $$1, $$2 }' Makefile

setup: ## Install packages, make .venv, get the programs and the toolbox image
	@sh tools/setup.sh

lab: setup ## Start the cluster and open JupyterLab (more options: JUPYTER_ARGS=...)
	@exec $(PY) -m helpers lab -- $(JUPYTER_ARGS)

stop: $(PY) ## Stop the cluster; its objects are kept for the next start
	@$(PY) -m helpers stop

status: $(PY) ## Say how the cluster is
	@$(PY) -m helpers status || [ $$? -ge 3 ]

doctor: $(PY) ## Check this machine, and list every problem with its way out
	@$(PY) -m helpers doctor

$(PY):
	@echo 'There is no $@ yet. Run: make setup' >&2; exit 1

chapter: setup venv ## Run every notebook without a screen; build/chapter has the outputs
	@$(PY) -m helpers up
	@$(PY) -m tools.chapter

lesson: $(if $(LESSON),setup venv) ## Strip a lesson, write what is derived, run its rules and it: NN=27
	@[ -n '$(LESSON)' ] || { echo 'There is no lesson $(NN). Name one: make lesson NN=27' >&2; exit 1; }
	@$(PY) $(STRIP) $(LESSON)
	@$(PY) -m tools.course
	@$(PY) -m pytest -n 0 tests/lessons $(LESSON) \
		-k '$(basename $(notdir $(LESSON))) or glossary or pictures' $(PYTEST_ARGS)

site: chapter ## Build a page for each lesson with its outputs: build/site/index.html
	@$(PY) -m tools.chapter --language ko
	@sh tools/setup.sh site
	@$(PY) -m website.build

test: setup lint ## Test what a change breaks: units, a real cluster, every notebook
	@sh tools/setup.sh tests
	@$(TESTS) -m 'not (full or machines or follow)' --budget 7 $(PYTEST_ARGS)

# A site that is built while another test makes a part of the tab names two versions of it.
full: setup lint ## Test also what a change hardly breaks: faults, the tab, the site
	@sh tools/setup.sh full && sh tools/setup.sh site
	@$(PY) -m tab.build
	@[ '$(TAB)' = no ] || $(PY) -c 'from website.build import find_scripts; find_scripts()'
	@$(TESTS) -m 'not (covered or machines or follow)' --budget 60 $(PYTEST_ARGS)

machines: setup venv ## Test where others run it: kind, a hub, the image, other systems: hours
	@sh tools/setup.sh machines && sh tools/setup.sh site
	@$(PY) -m cluster.tests.machines
	@$(PY) -m pytest -n 0 -m machines $(PYTEST_ARGS)

conformance: setup venv ## Run Kubernetes' conformance suite, and write its table: an hour
	@$(PY) -m cluster.tests.conformance $(CONFORMANCE)

quick: lint ## Check style and what needs no cluster
	@$(TESTS) -m 'not (full or machines or follow or heavy)' --budget 2 $(PYTEST_ARGS)

# As many workers as the machine has room for, each with a cluster of its own.
# PYTEST_ARGS='-n 0' has none: for debuggers.
TESTS = $(PY) -m pytest -n auto --durations 25 --durations-min 2

lint: venv ## Check style, types and dependencies; changes nothing
	@status=0; \
	$(PY) -m ruff check --output-format concise . || status=1; \
	$(PY) -m ruff format --check --output-format concise . || status=1; \
	[ -z "$(NOTEBOOKS)" ] || $(PY) $(STRIP) --verify $(NOTEBOOKS) || status=1; \
	$(TYPES) || status=1; \
	[ ! -x $(ACTIONLINT) ] || $(ACTIONLINT) || status=1; \
	[ ! -x $(TSC) ] || { $(TSC) --project tab/web && $(TSC) --project website/web; } || status=1; \
	[ $$status = 0 ] || printf '%s\n' \
		'What a program can fix, these fix:' \
		'  $(PY) -m ruff check --fix .; $(PY) -m ruff format .' \
		'  $(PY) $(STRIP) $(NOTEBOOKS)' >&2; \
	exit $$status

korean: venv ## Put what is new in English into locale/ko, and make notebooks/ko of it
	@$(PY) -m tools.korean update
	@$(PY) -m tools.korean write

home: venv ## Write the address of this repository into all texts: REPOSITORY=owner/name
	@$(PY) -m tools.home "$(REPOSITORY)"

lock: ## Pin every package for CI and Binder anew: requirements-lock.txt and -lock-test.txt
	@sh tools/setup.sh lock

pins: venv ## Print each version that is built, and what is newest; changes nothing
	@$(PY) -m tools.follow --dry-run $(FOLLOW)

follow: venv ## Take the newest versions, build, test what only they change: KUBERNETES=v1.38.0
	@$(PY) -m tools.follow $(FOLLOW)

older: setup venv ## Run the lessons on servers of another version, built here: KUBERNETES=v1.34.4
	@$(PY) -m tools.older $(KUBERNETES)

FOLLOW = $(if $(KUBERNETES),--kubernetes $(KUBERNETES))

# `make full` makes them, and checks the workflows and the types of scripts with them.
ACTIONLINT = build/actionlint/bin/actionlint
TSC = build/typescript/node_modules/.bin/tsc
# Of the whole project, so in a variable: a copy of a part can be linted without them.
TYPES = $(PY) -m mypy && $(PY) -m deptry --no-ansi . && $(PY) -m tools.korean check && \
	$(PY) -m tools.lint

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
	@echo 'Kept: .venv (rm -rf .venv), the cluster (how to remove it: docs/commands.md).'
