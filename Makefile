# The two commands of the README are `make start` and `make test`; the others are for those who build.
PYTHON ?= python3
V := .venv/bin/python
PG := tests/on_postgres.sh
PYTEST := $(V) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

.PHONY: start setup setup-dev test test-postgres e2e gallery kit font security audit sbom lock lint types words costs bench

start:            ## a running site: web and worker, models, an analysed sample
	@$(PYTHON) mediscan/bootstrap.py start

setup:            ## .venv with the pinned packages
	@$(PYTHON) mediscan/bootstrap.py setup

setup-dev:        ## the same, with what tests and lint need
	@$(PYTHON) mediscan/bootstrap.py setup-dev

test: setup-dev   ## everything that needs no browser, on SQLite
	$(PYTEST) -m "not browser and not slow_security" $(ARGS)

test-postgres: setup-dev   ## the same on a throw-away PostgreSQL
	$(PG) $(PYTEST) -m "not browser and not slow_security" $(ARGS)

e2e: setup-dev    ## the pages in the system's Chromium
	$(PYTEST) -m browser $(ARGS)

gallery: setup-dev  ## gallery/index.html: every page in every state as a picture, with what it cost
	$(V) -m pytest -q -s tests/browser/gallery_house.py tests/browser/gallery.py $(ARGS)

kit: setup-dev font   ## the kept pictures of /_kit/ drawn anew: look at them before they are committed
	KIT_DRAW=1 $(V) -m pytest -q tests/browser/test_kit_pictures.py $(ARGS)

font:             ## Debian's fonts-inter into var/fonts, past the system: what those pictures are made with
	@test -d /usr/share/fonts/opentype/inter -o -d var/fonts/usr || \
	 { mkdir -p var/fonts && cd var/fonts && apt-get download fonts-inter && dpkg -x fonts-inter_*.deb .; }

security: setup-dev   ## the numbered acceptance tests of security, the slow ones too, then the advisories
	$(PYTEST) tests/security tests/browser/test_policy.py tests/browser/test_payloads.py $(ARGS)
	$(MAKE) audit

audit: setup-dev  ## known vulnerabilities of the pinned packages; says so when the advisories cannot be reached
	$(V) -m mediscan.supply audit $(ARGS)

sbom: setup       ## sbom.cdx.json from requirements.txt (CycloneDX)
	$(V) -m mediscan.supply sbom

lock: setup       ## requirements.lock with the sha256 of every package, from pip's own report
	$(V) -m mediscan.supply lock

lint: setup-dev
	$(V) -m ruff check .
	$(V) -m ruff format --check .
	DJANGO_SETTINGS_MODULE=mediscan.settings.test $(V) manage.py makemigrations --check --dry-run
	$(V) -m bandit -q -ll -c pyproject.toml -r mediscan accounts imaging analytics reports

types: setup-dev
	$(V) -m mypy

words: setup-dev  ## the other languages' catalogues: new strings in, gone ones out, compiled
	$(V) -m mediscan.catalogue

costs: setup-dev  ## gallery/costs.md: paint, shift, bytes, first image, slice step of the main pages, on this machine
	$(V) -m pytest -q -s tests/browser/page_costs.py $(ARGS)

bench: setup      ## a table and bench/latest.json (ignored): ratios, loads, memory, queries
	$(V) bench/run.py $(ARGS)

