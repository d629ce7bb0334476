# make run · make test · make check: each sets up what it needs.

PYTHON ?= $(shell command -v python3 || command -v python3.11)
BIN := .venv/bin

# A stamp per content of a requirement file: changed requirements are installed again.
stamp = .venv/$(1)-$(shell cksum < requirements/$(1).txt | tr ' ' '-').stamp
RUN := $(call stamp,run)
TEST := $(call stamp,test)
BENCH := $(call stamp,bench)

.DEFAULT_GOAL := help
.PHONY: help run test crash pictures messages check bench format lock

help:
	@echo "make run     start the helpline (PORT=8000, HELPLINE_DATA=var, DEMO=1)"
	@echo "make test    run all tests, on SQLite and on PostgreSQL"
	@echo "make crash   kill everything while reminders come due; takes half an hour"
	@echo "make pictures  the pages as the browser tests see them, into var/pictures"
	@echo "make messages  collect the words of the public pages, compile their translation"
	@echo "make check   format, lint, types, migrations, import rule, README"
	@echo "make bench   measure; never part of the tests"
	@echo "make format  put the format right"
	@echo "make lock    write the requirement files anew (needs uv)"

run: $(RUN)
	@exec $(BIN)/python manage.py up

test: $(TEST)
	@exec $(BIN)/python tests/run.py

# Fail points fifty times each, a backlog of 100,000, and chaos; `make test` has the short parts.
crash: $(TEST)
	CRASH_TIMES=50 HELPLINE_TEST_DB=postgresql $(BIN)/python -m pytest -q -n 0 --capture=no tests/crash
	$(BIN)/python -m tests.crash.backlog
	$(BIN)/python -m tests.crash.chaos

# The pages as the browser tests see them; the README shows some of them.
pictures: $(TEST)
	mkdir -p var/pictures docs/pictures
	HELPLINE_TEST_PICTURES=$(CURDIR)/var/pictures $(BIN)/python -m pytest -q tests/browser
	cp var/pictures/desk-1440-light.png docs/pictures/desk.png
	cp var/pictures/sheet-1440-light.png docs/pictures/sheet.png
	cp var/pictures/dial-390-dark.png docs/pictures/dial.png
	$(BIN)/python -c 'from PIL import Image; Image.open("var/pictures/form-es-390-light.png").crop((0, 0, 390, 1120)).save("docs/pictures/form.png")'

# Fails while a word has no translation, and says which.
messages: $(TEST)
	@$(BIN)/python -m tests.catalog

check: $(TEST)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	git ls-files -z --cached --others --exclude-standard -- 'templates/*.html' | xargs -0 -r $(BIN)/djade --check --target-version 5.2
	$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings
	$(BIN)/python -m pytest -q tests/repo/test_imports.py tests/repo/test_readme.py

# The other files in bench/ are parts of these.
bench: $(BENCH)
	@for name in import_facilities reports call_sheet reminders public_form; do \
	    echo "== $$name"; $(BIN)/python "bench/$$name.py" || exit 1; done

format: $(TEST)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	git ls-files -z --cached --others --exclude-standard -- 'templates/*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make run PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	    || { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUN): | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/run.txt
	@rm -f .venv/run-*.stamp && touch $@

# What tests need holds what running needs.
$(TEST): | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/test.txt
	@rm -f .venv/*.stamp && touch $@ $(RUN)

# What we measure ourselves against, on top of what tests need; only for the bench.
$(BENCH): $(TEST)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/bench.txt
	@rm -f .venv/bench-*.stamp && touch $@

LOCK := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url

lock:
	$(LOCK) --output-file requirements/run.txt
	$(LOCK) --extra test --constraint requirements/run.txt --output-file requirements/test.txt
	$(LOCK) --extra bench --constraint requirements/test.txt --output-file requirements/bench.txt
