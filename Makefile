# Two commands do everything on a fresh machine with Python 3.11+ and make: `make` and `make test`.
# Users with an environment of their own can run `snakemake --cores all` instead.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
STAMP := .venv/.installed
TOOLS := .venv/tools/bin
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --cores $(CORES)

.PHONY: all study report representation manipulation replicates docs picture confirm models setup test test-slow every coverage faults lock audit site bench lint format clean

all: report

study: setup
	$(SNAKEMAKE)

# One self-contained page; made again only when a figure or table is newer.
report: study
	@if [ -e results/report.html ] && [ -z "$$(find results/figures results/tables results/explorer.html results/configuration.yaml workflow/report -newer results/report.html)" ]; \
	then echo "results/report.html is up to date"; \
	else $(SNAKEMAKE) --report results/report.html; fi
	@# A study without accuracies has no main reading.
	@$(BIN)/numprobe summary results || true

# Every experiment on how numbers are represented, or on what the models do with them, and its report.
representation manipulation: setup
	$(SNAKEMAKE) $@_figures
	$(SNAKEMAKE) $@_figures --report results/$@.html

# Further trainings of one model, and what varies between them.
replicates: setup
	$(SNAKEMAKE) $@
	$(SNAKEMAKE) $@ --report results/$@.html

# The results page that lies in git, from the pages that the workflow made.
docs: study representation manipulation replicates
	cat results/findings.md results/representation.md results/manipulation.md results/variance.md > docs/results.md

# The picture of the README, from the default study; needs chromium.
PICTURE := .venv/picture.html
picture: study
	$(BIN)/numprobe lens results/models/smollm2 results/probes/smollm2/natural/fourier.safetensors \
		"A pack of 12 pens costs 348 cents." --control untrained --no-open --output $(PICTURE)
	chromium --headless --no-sandbox --hide-scrollbars --force-device-scale-factor=1.25 --window-size=1090,1150 \
		--virtual-time-budget=4000 --screenshot=docs/lens.png file://$(CURDIR)/$(PICTURE)

# The claims, on a seed and on texts that nothing was chosen on (docs/claims.md).
confirm: setup
	$(SNAKEMAKE) claims --configfile confirmatory/config.yaml --directory confirmatory

# The page on types of model that lies in git, from small models of all of them.
models: setup
	PYTHONPATH=tests $(BIN)/python tests/document_models.py > .venv/models.md
	mv .venv/models.md docs/models.md

setup: $(STAMP)

# Set-up runs again only when the pins or the package's own metadata changed.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "numprobe needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	grep -v '# no-deps' requirements.txt > .venv/pins.txt
	grep '# no-deps' requirements.txt > .venv/pins-no-deps.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/pins.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r .venv/pins-no-deps.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(STAMP)

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2

test-slow: setup
	$(BIN)/python -m pytest -m slow -n 2 --dist loadgroup

# The small study with every experiment, in .venv/every: what a change of the code is compared on (docs/reliability.md).
every: setup
	$(BIN)/python tests/workflow/every.py .venv/every

# How often the intervals hold the truth; writes the table of docs/statistics.md (about 5 minutes).
coverage: setup
	$(BIN)/python tests/interval_coverage.py --page docs/statistics.md

# Faults injected into copies of that study; writes their table in docs/reliability.md. SEED=N repeats a run, MINUTES=N ends it.
faults: setup
	$(BIN)/python tests/inject_faults.py .venv/every --workers 2 --page docs/reliability.md \
		$(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

# Hashes of all packages but torch, of which a machine takes the build for its processors.
lock: $(TOOLS)/.installed
	{ sed -n 's/^#: /# /p' requirements-tools.txt; grep -v '^torch==' requirements.txt | \
		$(TOOLS)/uv pip compile --quiet --no-header --no-annotate --no-deps --generate-hashes -; } > .venv/requirements.lock
	mv .venv/requirements.lock requirements.lock

# Known vulnerabilities of the pinned packages; needs a network.
audit: $(TOOLS)/.installed
	$(TOOLS)/python tests/audit_packages.py

# The documentation as a site, in .venv/site; a broken link is an error.
site: $(TOOLS)/.installed
	NO_MKDOCS_2_WARNING=1 $(TOOLS)/mkdocs build

$(TOOLS)/.installed: requirements-tools.txt
	$(PYTHON) -m venv .venv/tools
	$(TOOLS)/python -m pip install --quiet --disable-pip-version-check -r requirements-tools.txt
	touch $@

# Peers to compare with are optional: .venv/bin/pip install -e '.[bench]'
bench: setup
	@set -e; for program in $(filter-out %/write_performance.py,$(wildcard benchmarks/[a-z]*.py)); do \
		echo "== $$program"; $(BIN)/python $$program; done
	$(BIN)/python benchmarks/write_performance.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

clean:
	rm -rf results .snakemake
