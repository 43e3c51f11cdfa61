"""What the rules share: the resolved study, the digests of the programs, and functions that name files."""

import json
import re
import shlex

from snakemake.exceptions import WorkflowError

from check_config import UNTRAINED, VOCABULARY
from numprobe.codedigest import code_digest
from numprobe.errors import NumprobeError
from study import MODEL_FILES, load_study

# The programs lie beside the Snakefile, wherever the run's working directory is.
PROGRAMS = Path(workflow.basedir) / "scripts"
# The prefix replaces Snakemake's own, so the strict mode of bash is part of it.
shell.prefix(f"set -euo pipefail; export NUMPROBE={shlex.quote(str(PROGRAMS))}; ")

try:
    STUDY = load_study(config)
except NumprobeError as error:
    raise WorkflowError(str(error))

LEADING = "fourier" if "fourier" in STUDY.closed_form else STUDY.closed_form[0]
EXPERIMENTS = [entry["name"] for entry in config["experiments"]]
FIGURES = {
    "accuracy": ["summary", "accuracy", "controls"],
    "transfer": ["transfer"],
    "spectra": ["spectra"],
    "examples": ["examples"],
}
CATEGORIES = {
    "summary": "1. Summary",
    "accuracy": "2. Accuracy per layer",
    "controls": "3. Controls",
    "transfer": "4. Transfer between contexts",
    "spectra": "5. Spectra of the embeddings",
    "examples": "6. Decoded numbers",
    "training": "7. Training of the small models",
}
FORMATS = sorted({"png", *config["figures"]["formats"]})
CANDIDATES = config["numbers"]["max"] - config["numbers"]["min"] + 1
RANGE = f"--minimum {config['numbers']['min']} --maximum {config['numbers']['max']}"
SPLIT = "--scheme {scheme} --folds {folds} --inner {inner} --seed {seed}".format(**config["split"], seed=config["seed"])


wildcard_constraints:
    model="|".join(re.escape(name + ending) for name in STUDY.models for ending in ("", UNTRAINED)),
    context="|".join(re.escape(name) for name in [*STUDY.contexts, VOCABULARY]),


def digest(program):
    """The digest of a program and of all library code that it imports: a change of either re-runs the rule."""
    return code_digest(PROGRAMS / f"{program}.py")


def trained_models():
    """Models that the workflow trains, checkpoints of another model left out."""
    return [model for model in STUDY.models.values() if "train" in model.entry]


def base_model(wildcards):
    """The configured model of a run, whose untrained control it may be."""
    return STUDY.models[wildcards.model.removesuffix(UNTRAINED)]


def untrained_option(wildcards):
    """The option that asks for random weights, empty for a model as it is."""
    seed = STUDY.untrained_seed(wildcards.model)
    return "" if seed is None else f"--untrained-seed {seed}"


def gpus(wildcards):
    """One GPU for a model that is put on one explicitly."""
    return 1 if base_model(wildcards).entry.get("device", "auto").startswith("cuda") else 0


def kept(files):
    """Stored states, marked temporary where the configuration does not keep them."""
    return files if config["activations"]["keep"] else [temp(file) for file in files]


def states_of(wildcards):
    """The activation files of a run, manifest last."""
    return STUDY.states(wildcards.model, wildcards.context)


def table_files():
    """The collected tables."""
    return expand("results/tables/{table}.parquet", table=EXPERIMENTS)


def states_folder(wildcards, input):
    """The activation folder of a run: where its manifest lies."""
    (folder,) = {str(Path(file).parent) for file in input if file.endswith("manifest.json")}
    return folder


def tables_to_collect(wildcards):
    """The tables of single models and contexts that a collected table joins."""
    table = wildcards.table
    if table == "transfer":
        names = [name for name in STUDY.models if STUDY.contexts_of(name)]
        return [f"results/tables/transfer/{name}.parquet" for name in names]
    if table == "spectra":
        names = [name for name in STUDY.models if (name, VOCABULARY) in STUDY.runs()]
        return [f"results/tables/spectra/{name}.parquet" for name in names]
    return [f"results/tables/accuracy/{model}/{context}.parquet" for model, context in STUDY.runs()]


def plain_runs():
    """Pairs of a model as it is and a context of prompts."""
    return [(model, context) for model in STUDY.models for context in STUDY.contexts_of(model)]


def training_logs():
    """The logs of the models that the workflow trains."""
    return [f"results/models/{model.name}/training_log.parquet" for model in trained_models()]


def figure_names():
    """Figures of the study."""
    trained = ["training"] if trained_models() else []
    return trained + [figure for name in EXPERIMENTS for figure in FIGURES[name]]


def figure_files():
    """All figures in all formats, with the CSV of what is drawn."""
    return expand("results/figures/{figure}.{format}", figure=figure_names(), format=[*FORMATS, "csv"])


def not_applicable_options(table):
    """What a collected table shows as skipped: `MODEL:CONTEXT:REASON`."""
    skipped = STUDY.not_applicable() if table != "spectra" else []
    return " ".join(["--not-applicable", *map(shlex.quote, skipped)]) if skipped else ""


def prompt_options(wildcards):
    """The options of a context's kind."""
    entry = STUDY.contexts[wildcards.context]
    options = [f"--kind {entry['kind']}"]
    for key in ("per_value", "texts", "corpus"):
        if key in entry:
            options.append(f"--{key.replace('_', '-')} {shlex.quote(str(entry[key]))}")
    if "corpus" in entry:
        options.append(f"--test-share {entry['test_share']}")
    if "operations" in entry:
        options.append("--operations " + " ".join(map(shlex.quote, entry["operations"])))
    return " ".join(options)


def figure_outputs(figure):
    """The files of a figure; the PNG goes into the report."""
    image = report(
        f"results/figures/{figure}.png",
        caption=f"../report/{figure}.rst",
        category=CATEGORIES[figure],
        labels={"figure": figure},
    )
    others = [f"results/figures/{figure}.{format}" for format in [*FORMATS, "csv"] if format != "png"]
    return [image, *others]
