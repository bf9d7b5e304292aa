# Everything a person or a machine does with this checkout. Needs Python 3.11+ and make, no more.
#
# Tools are called as modules (`python -m`), not by the scripts in .venv/bin: those break when the
# checkout's path is long, has a space in it, or changes.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
SERVERS := $(PY) -m config.embedded exec --for-tests
UV := $(shell command -v uv 2>/dev/null)
LOCKED := base dev test mutants

.DEFAULT_GOAL := help
.PHONY: help run codes test check bench mutants lock clean-data
.DELETE_ON_ERROR:

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(VENV)/dev.stamp ## start the demonstration: web, worker, beat, PostgreSQL and Redis; Ctrl-C stops
	@exec $(PY) -m config.run

codes: $(VENV)/dev.stamp ## the second factors of the demonstration's people, as their apps show them now
	@$(PY) -m config.run manage demo --codes

test: check ## check, then the whole suite against a real PostgreSQL and Redis
	$(SERVERS) --fast --directory var/test -- $(PY) -m pytest -n 2

check: $(VENV)/test.stamp ## format, lint, types, import contracts, migrations, deployment checks
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	@# The mypy plugin loads the settings, which want addresses; it connects to neither.
	DATABASE_URL=postgres://none/none REDIS_URL=redis://none/0 \
	$(PY) -m mypy config clients_app sessions_app tests manage.py
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(SERVERS) --fast --directory var/check -- $(MAKE) --no-print-directory check-django

# Needs a database, so it runs beside one. The secrets live as long as the command: production settings
# refuse the demonstration's, and nobody should ever use these.
.PHONY: check-django
check-django:
	DJANGO_SETTINGS_MODULE=config.settings.test $(PY) manage.py makemigrations --check --dry-run
	@echo 'manage.py check --deploy, under config.settings.base'
	@SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))') \
	FIELD_ENCRYPTION_KEY=$$($(PY) -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())') \
	AUDIT_SIGNING_KEY=$$($(PY) -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())') \
	ALLOWED_HOSTS=notes.example \
	DJANGO_SETTINGS_MODULE=config.settings.base \
	$(PY) manage.py check --deploy --fail-level WARNING

# WHAT=n12 measures whether time tells who has a login; it takes half an hour. WHAT=races sets ten
# thousand legal holds against purges of the same files.
bench: $(VENV)/test.stamp ## measure reading a record against the stock stack and the floor
	$(SERVERS) --directory var/bench -- $(PY) -m tests.bench $(WHAT)

mutants: $(VENV)/mutants.stamp ## change who may do what a little at a time, and see that a test notices (half an hour)
	$(SERVERS) --fast --directory var/mutants -- $(PY) -m tests.mutants

# Upgrading is `make lock UPGRADE=--upgrade`.
lock: $(VENV)/created ## resolve requirements/*.in into hash-locked *.txt
	$(if $(UV),,$(PY) -m pip install --quiet uv)
	@set -e; for set in $(LOCKED); do \
		echo "requirements/$$set.txt"; \
		$(or $(UV),$(PY) -m uv) pip compile --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes \
			--custom-compile-command 'make lock' $(UPGRADE) \
			requirements/$$set.in -o requirements/$$set.txt; \
	done

clean-data: ## delete the demonstration's data and secrets (asks first)
	@test -x $(PY) || { echo 'Nothing has been made yet.'; exit 0; }; \
	printf 'Delete the database, the secrets and everything else under var/? [y/N] '; \
	read answer; test "$$answer" = y || { echo 'Kept.'; exit 0; }; \
	for directory in var/test var/check var/bench var/mutants var; do \
		$(PY) -m config.embedded remove --directory $$directory || exit 1; \
	done

# The environment; uv installs faster where it is at hand and reaches the index. A stamp is newer than the lock it was installed from, so a changed lock is installed
# again and an unchanged one is not. The test set contains the dev set.

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Usaldus needs Python 3.11 or newer, and $(PYTHON) is not:' \
			'name another with make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

define install
	@echo 'Installing requirements/$(1).txt'
	@$(if $(UV),"$(UV)" pip install --quiet --python $(PY) --require-hashes -r requirements/$(1).txt || ) \
		$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements/$(1).txt
endef

$(VENV)/dev.stamp: requirements/dev.txt | $(VENV)/created
	$(call install,dev)
	@touch $@

$(VENV)/test.stamp: requirements/test.txt | $(VENV)/created
	$(call install,test)
	@touch $(VENV)/dev.stamp $@

$(VENV)/mutants.stamp: requirements/mutants.txt $(VENV)/test.stamp
	$(call install,mutants)
	@touch $@
