# `make train` and `make test`, each from a fresh clone; .venv is made once.
PYTHON ?= python3
VENV := .venv

.PHONY: train test format

train: $(VENV)/installed
	$(VENV)/bin/keras-gan train

test: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pytest -n auto

format: $(VENV)/installed
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -e ".[dev]"
	touch $@
