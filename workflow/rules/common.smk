"""What the rules share: the resolved study, the digests of the programs, and functions that name files."""

import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from snakemake.exceptions import WorkflowError

from check_config import VOCABULARY
from check_python import check_python
from numprobe.runs import MIXED, MIXED_LAYER, UNTRAINED, UNTRAINED_ENDING, base_of, control_of
from estimate import describe_states
from kept_files import look_after_kept_files, made_files, refuse_damage
from numprobe.codedigest import code_digest
from numprobe.errors import NumprobeError
from numprobe.models.facts import vocabulary_layers
from numprobe.probes.settings import PUBLISHED_FOR_EMBEDDINGS
from study import (
    CONVERTED_FILES,
    MODEL_FILES,
    PROBE_CONTROLS,
    SEVERAL_TOKENS,
    floating_revisions,
    load_study,
    with_size,
)

if set("{}") & set(str(workflow.basedir)):
    raise WorkflowError(f"{workflow.basedir}: Snakemake takes braces in its path for wildcards: rename the folder")

# The programs lie beside the Snakefile, wherever the run's working directory is.
PROGRAMS = Path(workflow.basedir) / "scripts"
# The prefix replaces Snakemake's own, so the strict mode of bash is part of it. Snakemake tells the libraries of linear
# algebra how many threads a job has; the pools of polars and of the tokenizers would take a thread per core.
POOLS = "POLARS_MAX_THREADS=$OMP_NUM_THREADS RAYON_NUM_THREADS=$OMP_NUM_THREADS"
shell.prefix(f"set -euo pipefail; export NUMPROBE={shlex.quote(str(PROGRAMS))} {POOLS}; ")

try:
    # Deployed jobs (conda, containers) have a python of their own.
    if workflow.is_main_process and not workflow.deployment_settings.deployment_method:
        check_python()
    STUDY = load_study(config, workflow.config_settings.config)
    # Before a run and a dry run, not in the processes that run single jobs.
    if workflow.is_main_process:
        look_after_kept_files()
        print(describe_states(STUDY), *floating_revisions(STUDY), sep="\n", file=sys.stderr)
except NumprobeError as error:
    raise WorkflowError(str(error))

# Captions see the configuration alone, so what they tell of the models is laid beside it once it is checked.
config["quantised"] = STUDY.quantised

LEADING = "fourier" if "fourier" in STUDY.closed_form else STUDY.closed_form[0]
EXPERIMENTS = [entry["name"] for entry in config["experiments"]]
# Experiments of the plain `snakemake`; the others have targets of their own.
MAIN = ["accuracy", "transfer", "spectra", "examples", "composition"]
# What the experiments that have targets of their own are about; each group has a page of findings.
GROUPS = {"representation": [], "manipulation": []}
# Filled by add_experiment: what each experiment adds, what each collected table joins, how each figure is drawn.
ADDED, COLLECTED, PLOTS = {}, {}, {}
CATEGORIES = {"training": "Training of the small models"}
CAPTIONS = {}
FORMATS = sorted({"png", *config["figures"]["formats"]})
CANDIDATES = config["numbers"]["max"] - config["numbers"]["min"] + 1
RANGE = f"--minimum {config['numbers']['min']} --maximum {config['numbers']['max']}"
# A job that fits on a GPU takes one of the GPUs that snakemake was given.
FITTING_GPUS = int(config["fitting"]["device"].startswith("cuda"))
SPLIT = "--scheme {scheme} --folds {folds} --inner {inner} --seed {seed}".format(**config["split"], seed=config["seed"])


wildcard_constraints:
    model="|".join(re.escape(run) for name in STUDY.models for run in (name, *STUDY.control_runs(name))),
    context="|".join(re.escape(name) for name in [*STUDY.contexts, VOCABULARY]),


def digest(program, *modules):
    """The digest of a program and of all library code that it imports: a change of either re-runs the rule.

    Taken for the rules that have jobs, when their parameters are asked for. `modules`: what it imports by name.
    """
    return lambda wildcards: taken_digest(program, *modules)


@cache
def taken_digest(program, *modules):
    """The digest itself, once for all jobs of a rule."""
    return code_digest(PROGRAMS / f"{program}.py", *modules)


def add_experiment(name, collected=None, skipped=(), figures=None, files=(), group="representation"):
    """Register what an experiment makes, so that its target, collect_tables, the plot rules and the report know it.

    A model may name the experiments in which it takes part: go over `STUDY.models_of(name)`, `STUDY.models_of(name,
    context)`, `STUDY.runs(name)`, `plain_runs(name)` and `STUDY.not_applicable(name)`, never over `STUDY.models`.

    `collected`: table -> the files that `results/tables/{table}.parquet` joins; where there are none, the table holds
    nothing but what is skipped, and its figures say so. `skipped`: MODEL:CONTEXT:REASON for the rows of these tables
    that say what does not apply, or these by table. `figures`: figure -> (program, tables, options, category of the
    report). `files`: what else the experiment makes. `group`: one of `GROUPS`. Nothing is registered if the study does
    not have the experiment.
    """
    if name not in EXPERIMENTS:
        return
    # A table of nothing at all is left out: such as the choice of layers where only embeddings are read.
    tables = collected or {}
    notes = {table: list(skipped.get(table, [])) if isinstance(skipped, dict) else list(skipped) for table in tables}
    collected = {table: list(joined) for table, joined in tables.items() if joined or notes[table]}
    if tables and not collected and not files:
        raise NumprobeError(f"experiments['{name}']: no model of the study has what it measures: leave it out")
    COLLECTED.update({table: (joined, notes[table]) for table, joined in collected.items()})
    figures = {figure: plot if measured(plot[1]) else unmeasured(plot) for figure, plot in (figures or {}).items()}
    PLOTS.update({figure: plot[:3] for figure, plot in figures.items()})
    CATEGORIES.update({figure: plot[3] for figure, plot in figures.items()})
    if name not in MAIN:
        GROUPS[group].append(name)
    ADDED[name] = ([f"results/tables/{table}.parquet" for table in collected] + list(files), list(figures))


def measured(tables):
    """Whether anything is measured for one of some tables."""
    return any(COLLECTED[table][0] if table in COLLECTED else True for table in tables)


def unmeasured(plot):
    """The plot of tables that say nothing but what does not apply."""
    return ("plot_not_applicable", [table for table in plot[1] if table in COLLECTED], "", plot[3])


def trained_models():
    """Models that the workflow trains, checkpoints of another model left out."""
    return [model for model in STUDY.models.values() if "train" in model.entry]


def converted_models():
    """Models that the workflow converts from GGUF files."""
    return [model for model in STUDY.models.values() if model.gguf]


def origin_options(model):
    """The installed package that a model's GGUF file is of, and its version."""
    package = model.entry.get("package")
    if package is None:
        return ""
    try:
        return f"--package {package} --package-version {version(package)}"
    except PackageNotFoundError:
        return f"--package {package}"


def base_model(wildcards):
    """The configured model of a run, a control of which it may be."""
    return STUDY.models[base_of(wildcards.model)]


def expected_options(wildcards):
    """What a model's card is checked against."""
    model = base_model(wildcards)
    told = {"width": "width", "single_tokens": "single-tokens"}
    options = [f"--{option} {model.entry[key]}" for key, option in told.items() if key in model.entry]
    if not model.facts.encoder:
        options.append(f"--matrices {' '.join(vocabulary_layers(model.facts))}")
    return " ".join([f"--layers {model.facts.layers}", *options])


def untrained_option(wildcards):
    """The option that asks for random weights, empty for a model as it is."""
    seed = STUDY.untrained_seed(wildcards.model)
    return "" if seed is None else f"--untrained-seed {seed}"


def extraction_threads(model):
    """Threads of a job that extracts states: a GPU makes them faster than two threads check, encode and hash them."""
    return 4 if model.gpus else 1


def gpus(wildcards):
    """GPUs of a job that runs a model."""
    return base_model(wildcards).gpus


def memory(usual):
    """`mem_mb` of a job: what the models say that it reads (`resources`), else `usual`; four times more if it ran out."""
    return lambda wildcards, attempt: configured_resource("mem_mb", wildcards, usual) * 4 ** (attempt - 1)


def minutes(usual):
    """`runtime` of a job: what the models say that it reads (`resources`), else `usual`."""
    return lambda wildcards: configured_resource("runtime", wildcards, usual)


def configured_resource(name, wildcards, usual):
    """The resource of the job's model; of a job that reads several models, the largest."""
    models = [base_model(wildcards)] if "model" in wildcards.keys() else STUDY.models.values()
    return max(model.entry.get("resources", {}).get(name, usual) for model in models)


def kept(files):
    """Stored states, marked temporary where the configuration does not keep them."""
    return files if config["activations"]["keep"] else [temp(file) for file in files]


def states_of(wildcards):
    """The activation files of a run, manifest last."""
    return STUDY.states(wildcards.model, wildcards.context)


def table_files(experiments):
    """The collected tables of some experiments, and what else they make besides figures."""
    return [file for name in experiments if name in ADDED for file in ADDED[name][0]]


def states_folder(wildcards, input):
    """The activation folder of a run: where its manifest lies."""
    (folder,) = {str(Path(file).parent) for file in input if file.endswith("manifest.json")}
    return folder


def plain_runs(experiment=None):
    """Pairs of a model as it is and a context of prompts, of the models that take part in an experiment."""
    return [(model, context) for model in STUDY.models_of(experiment) for context in STUDY.contexts_of(model)]


def main_models():
    """Models that take part in an experiment of the plain `snakemake`; all, in a study that has none of these."""
    found = [name for experiment in MAIN if experiment in EXPERIMENTS for name in STUDY.models_of(experiment)]
    return list(dict.fromkeys(found)) or list(STUDY.models)


def prompt_contexts(wildcards):
    """The contexts of prompts in which a run's model is studied."""
    return STUDY.contexts_of(base_of(wildcards.model))


def prompt_runs(wildcards):
    """A model and its controls with their contexts of prompts, the model first."""
    runs = [wildcards.model, *STUDY.control_runs(wildcards.model)]
    return [(run, context) for run in runs for context in STUDY.contexts_of(wildcards.model)]


def control_options(wildcards):
    """The options that name the model and the control of a run, and the layers in which a control without layers stands."""
    model, control = base_model(wildcards), control_of(wildcards.model)
    layers = f" --layers {' '.join(model.layers)}" if control == "mixed" else ""
    return f"--model {model.name} --control {control}{layers}"


def transferred_runs():
    """The runs whose transfer between contexts is measured: the models, then their controls."""
    models = [name for name in STUDY.models_of("transfer") if STUDY.contexts_of(name)]
    return models + [run for name in models for run in STUDY.control_runs(name)]


def training_logs():
    """The logs of the models that the workflow trains for its main experiments."""
    main = main_models()
    return [f"results/models/{model.name}/training_log.parquet" for model in trained_models() if model.name in main]


def figure_names(experiments):
    """Figures of some experiments."""
    return [figure for name in experiments if name in ADDED for figure in ADDED[name][1]]


def training_figure():
    """The figure of the training, if the workflow trains a model."""
    return ["training"] if training_logs() else []


def figure_files(figures):
    """Figures in all formats, with the CSV of what is drawn."""
    return expand("results/figures/{figure}.{format}", figure=figures, format=[*FORMATS, "csv"])


def experiments_of(subject):
    """The experiments on a subject, in the order of the configuration; on representation with the main ones."""
    return [name for name in EXPERIMENTS if name in GROUPS[subject] or (subject == "representation" and name in MAIN)]


def tables_of(subject):
    """Names of the collected tables that a page of findings reads."""
    files = table_files(experiments_of(subject))
    return [table for table in COLLECTED if f"results/tables/{table}.parquet" in files]


def group_files(subject):
    """All that the experiments on a subject make, and the page of their findings."""
    experiments = experiments_of(subject)
    return experiment_files(experiments) + ([f"results/{subject}.md"] if experiments else [])


def experiment_files(experiments):
    """All that some experiments make."""
    return table_files(experiments) + figure_files(figure_names(experiments))


def not_applicable_options(skipped):
    """What a collected table shows as skipped: `MODEL:CONTEXT:REASON`."""
    return " ".join(["--not-applicable", *map(shlex.quote, skipped)]) if skipped else ""


@dataclass(frozen=True)
class ClosedFormFit:
    """The runs whose closed-form probes have the same controls, and these."""

    controls: list[str]
    runs: list[str]

    @property
    def endings(self):
        """What follows the name of a probe in those of the files."""
        return ["", *(f".{control}" for control in self.controls)]

    @property
    def pattern(self):
        """The wildcard constraint."""
        return "|".join(map(re.escape, self.runs))

    def rule_name(self, what):
        """The name of the rule."""
        if self.controls == probe_controls():
            return f"fit_{what}"
        return f"fit_{what}_with_{'_'.join(self.controls)}" if self.controls else f"fit_untrained_{what}"


def probe_controls():
    """Controls of the study that are fitted as probes of their own."""
    return [name for name in config["controls"] if name in PROBE_CONTROLS]


def closed_form_fits():
    """The groups of runs that have the same controls."""
    groups = {}
    for name in STUDY.models:
        for run in (name, *STUDY.control_runs(name)):
            groups.setdefault(tuple(STUDY.probe_controls(run)), []).append(run)
    return [ClosedFormFit(list(controls), runs) for controls, runs in groups.items()]


@dataclass(frozen=True)
class IterativeFit:
    """One job of an experiment that trains probes by gradient descent: its name, the files and the options."""

    name: str
    files: list[str]
    options: str


def steps_of(entry):
    """What an entry of probes or experiments says of the number of gradient steps."""
    return {"steps": entry["steps"]} if "steps" in entry else {}


def iterative_fits(entry, published_kinds, published_settings):
    """The jobs of an experiment: with default settings, and with published ones where `faithful` asks for them."""
    steps = steps_of(entry)
    endings = ["", ".shuffled"] if entry["shuffled"] else [""]
    jobs = [("iterative", "", entry["iterative"], endings, steps)]
    if entry["faithful"]:
        kinds = [kind for kind in entry["iterative"] if kind in published_kinds]
        jobs.append(("published", "published/", kinds, [""], {**published_settings, **steps}))
    return [
        IterativeFit(
            name,
            [f"{folder}{kind}{ending}" for kind in kinds for ending in endings],
            f"--probes {' '.join(kinds)} --controls {'shuffled' if len(endings) > 1 else ''}"
            f" --settings {shlex.quote(json.dumps(settings))}",
        )
        for name, folder, kinds, endings, settings in jobs
        if kinds
    ]


def iterative_files(entry, fits, model):
    """The files of an experiment's iterative probes on a model; none on models that it leaves out."""
    trained = model in entry.get("models", STUDY.models)
    return [file for fit in fits for file in fit.files] if trained else []


def corpus_of(wildcards):
    """The file with the texts of a context, none for those that are built in or made."""
    entry = STUDY.contexts[wildcards.context]
    if "datasets" in entry:
        return [f"results/corpora/{wildcards.context}.parquet"]
    return [entry["corpus"]] if "corpus" in entry else []


def prompts_of(wildcards):
    """The prompt table that a model reads in a context."""
    return STUDY.prompts(wildcards.model, wildcards.context)


def prompt_options(wildcards):
    """The options of a context's kind."""
    size = int(wildcards.size) if "size" in wildcards.keys() else None
    entry = with_size(STUDY.contexts[wildcards.context], size)
    options = [f"--kind {entry['kind']}"]
    for key in ("per_value", "texts"):
        if key in entry:
            options.append(f"--{key.replace('_', '-')} {entry[key]}")
    for corpus in corpus_of(wildcards):
        options.append(f"--corpus {shlex.quote(corpus)} --test-share {entry['test_share']}")
    if "operations" in entry:
        options.append("--operations " + " ".join(map(shlex.quote, entry["operations"])))
    for operand, (first, last) in sorted(entry.get("operands", {}).items()):
        options.append(f"--operand-{operand} {first} {last}")
    if entry.get("shots"):
        options.append(f"--shots {entry['shots']}")
    if entry.get("chat"):
        options.append("--chat")
    return " ".join(options)


def numbered(title):
    """A heading of the report with its number: main experiments, training, then the others as they are configured."""
    main = [name for name in MAIN if name in ADDED]
    others = [name for name in EXPERIMENTS if name in ADDED and name not in MAIN]
    figures = [*figure_names(main), "training", *figure_names(others)]
    titles = list(dict.fromkeys([*(CATEGORIES[figure] for figure in figures), title]))
    return f"{titles.index(title) + 1:02}. {title}"


def figure_outputs(figure):
    """The files of a figure; the PNG goes into the report."""
    image = report(
        f"results/figures/{figure}.png",
        caption=CAPTIONS.get(figure, f"../report/{figure}.rst"),
        category=numbered(CATEGORIES[figure]),
        labels={"figure": figure},
    )
    others = [f"results/figures/{figure}.{format}" for format in [*FORMATS, "csv"] if format != "png"]
    return [image, *others]
