"""Shared by all rules: the resolved study, digests of programs, and functions that name files."""

import json
import os
import re
import shlex
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from snakemake.exceptions import WorkflowError

from check_python import check_python
from check_study import floating_revisions
from estimate import describe_states
from job_given import job_given, place_of
from job_rules import job_rules
from kept_files import look_after_kept_files, made_files, refuse_damage
from module_paths import move_study
from source_commit import source_commit
from study import load_study
from study_contexts import with_size
from study_models import CONVERTED_FILES, MODEL_FILES
from study_probes import PROBE_CONTROLS
from numprobe.codedigest import code_digest
from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Place
from numprobe.experiments.inputs import SPLIT, VOCABULARY, extraction
from numprobe.models.facts import vocabulary_layers
from numprobe.probes.leading import SIDE_BY_SIDE
from numprobe.runs import MIXED_LAYER, UNTRAINED_ENDING, Run


report: "../report/workflow.rst"


if set("{}") & set(str(ROOT)):
    raise WorkflowError(f"{ROOT}: Snakemake takes braces in its path for wildcards: rename the folder")

# The programs are beside the Snakefile, whatever the working directory.
PROGRAMS = ROOT / "scripts"
# The prefix replaces Snakemake's own, so it includes the strict mode of bash. Snakemake limits the threads of linear
# algebra libraries; without these variables, polars and tokenizers would start a thread per core.
POOLS = "POLARS_MAX_THREADS=$OMP_NUM_THREADS RAYON_NUM_THREADS=$OMP_NUM_THREADS"
shell.prefix(f"set -euo pipefail; export NUMPROBE={shlex.quote(str(PROGRAMS))} {POOLS}; ")
# A workflow that uses this one as a module may set a prefix of its own.
os.environ.update(NUMPROBE=str(PROGRAMS))

try:
    # Deployed jobs (conda, containers) have their own python.
    if workflow.is_main_process and not workflow.deployment_settings.deployment_method:
        check_python()
    # Set below; a module is read once more for every `use rule` with changes.
    config.pop("quantised", None)
    STUDY = load_study(config, workflow.config_settings.config)
    # Only before a run or dry run, not in the processes of single jobs.
    if workflow.is_main_process:
        look_after_kept_files(globals())
        print(describe_states(STUDY), *floating_revisions(STUDY), sep="\n", file=sys.stderr)
except NumprobeError as error:
    raise WorkflowError(str(error))

# Where Snakemake puts a path: in a module with `prefix` elsewhere, of which the parameters of rules must know.
moved = workflow.modifier.path_modifier.replace_prefix
move_study(STUDY, moved)

# Captions can access only the configuration, so facts about models are added to it after the check.
config["quantised"] = STUDY.quantised

LEADING = STUDY.leading_probe
EXPERIMENTS = [entry["name"] for entry in config["experiments"]]
# Experiments of the default target; the others have separate targets.
MAIN = ["accuracy", "transfer", "spectra", "examples"]
# Groups of experiments with separate targets; each group has a page of findings.
GROUPS = {"representation": [], "manipulation": [], "variance": []}
# Filled by add_experiment: files of each experiment, inputs of each collected table, module of each figure.
ADDED, COLLECTED, PLOTS = {}, {}, {}
# Module with the figure of an experiment that applies to no model.
NOT_APPLICABLE = "draw.not_applicable"
CATEGORIES = {"training": "Training of the small models"}
CAPTIONS = {}
FORMATS = sorted({"png", *config["figures"]["formats"]})
CANDIDATES = config["numbers"]["max"] - config["numbers"]["min"] + 1
RANGE = f"--minimum {config['numbers']['min']} --maximum {config['numbers']['max']}"
# A job that fits probes on a GPU takes one of the GPUs given to snakemake.
FITTING_GPUS = int(config["fitting"]["device"].startswith("cuda"))


wildcard_constraints:
    model="|".join(re.escape(run) for name in STUDY.models for run in (name, *STUDY.control_runs(name))),
    context="|".join(re.escape(name) for name in [*STUDY.contexts, VOCABULARY]),


def digest(program, *modules):
    """Return a parameter with the digest of a program and all library code that it imports; a change reruns the rule.

    It is computed only for rules that have jobs. `modules`: modules that the program imports by name.
    """
    return lambda wildcards: taken_digest(program, *modules)


@cache
def taken_digest(program, *modules):
    """Return the digest, computed once for all jobs of a rule."""
    return code_digest(PROGRAMS / f"{program}.py", *modules)


def add_experiment(name, collected=None, skipped=(), figures=None, files=(), group="representation"):
    """Register the files of an experiment with its target, collect_tables, the plot rules and the report.

    A model may name the experiments in which it takes part: iterate over `STUDY.models_of(name)`,
    `STUDY.models_of(name, context)`, `STUDY.runs(name)`, `plain_runs(name)` and `STUDY.not_applicable(name)`, never
    over `STUDY.models`.

    `collected`: table -> files joined to `results/tables/{table}.parquet`; without files, the table holds only skipped
    rows, and its figures say so. `skipped`: MODEL:CONTEXT:REASON of the skipped rows of these tables, or a mapping from
    table to these. `figures`: figure -> (module that draws it, tables, further values, category of the report). `files`: further files of
    the experiment. `group`: one of `GROUPS`. Nothing is registered if the study lacks the experiment.
    """
    if name not in EXPERIMENTS:
        return
    # Tables without any rows are left out, such as the choice of layers if only embeddings are read.
    tables = collected or {}
    notes = {table: list(skipped.get(table, [])) if isinstance(skipped, dict) else list(skipped) for table in tables}
    collected = {table: list(joined) for table, joined in tables.items() if joined or notes[table]}
    read = [table for plot in (figures or {}).values() for table in plot[1] if table in COLLECTED]
    if tables and not collected and not files and not read:
        raise NumprobeError(f"experiments['{name}']: no model of the study has anything to measure: leave it out")
    COLLECTED.update({table: (joined, notes[table]) for table, joined in collected.items()})
    figures = {figure: plot if measured(plot[1]) else unmeasured(plot) for figure, plot in (figures or {}).items()}
    PLOTS.update({figure: plot[:3] for figure, plot in figures.items()})
    CATEGORIES.update({figure: plot[3] for figure, plot in figures.items()})
    if name not in MAIN:
        GROUPS[group].append(name)
    ADDED[name] = ([f"results/tables/{table}.parquet" for table in collected] + list(files), list(figures))


def measured(tables):
    """Return whether anything is measured for any of some tables."""
    return any(COLLECTED[table][0] if table in COLLECTED else True for table in tables)


def unmeasured(plot):
    """Return the plot of tables that hold only skipped rows."""
    return (NOT_APPLICABLE, [table for table in plot[1] if table in COLLECTED], {}, plot[3])


def trained_models():
    """Return the models that the workflow trains, without checkpoints of other models."""
    return [model for model in STUDY.models.values() if "train" in model.entry]


def converted_models():
    """Return the models that the workflow converts from GGUF files."""
    return [model for model in STUDY.models.values() if model.gguf]


def origin_options(model):
    """Return options with the installed package of a model's GGUF file and its version."""
    package = model.entry.get("package")
    if package is None:
        return ""
    try:
        return f"--package {package} --package-version {version(package)}"
    except PackageNotFoundError:
        return f"--package {package}"


def base_model(wildcards):
    """Return the configured model of a run, which may be one of its controls."""
    return STUDY.model_of(wildcards.model)


def expected_options(wildcards):
    """Return the options that a model's card is checked against."""
    model = base_model(wildcards)
    told = {"width": "width", "single_tokens": "single-tokens"}
    options = [f"--{option} {model.entry[key]}" for key, option in told.items() if key in model.entry]
    if not model.facts.encoder:
        options.append(f"--matrices {' '.join(vocabulary_layers(model.facts))}")
    return " ".join([f"--layers {model.facts.layers}", *options])


def asking(wildcards):
    """Return the options for the model that answers."""
    model = base_model(wildcards)
    batch = model.entry.get("batch_tokens", config["activations"]["batch_tokens"])
    return (
        f"--source {shlex.quote(model.source)} --batch-tokens {batch}"
        f" --device {shlex.quote(model.device)} --dtype {model.entry.get('dtype', 'float32')}"
    )


def untrained_option(wildcards):
    """Return the option for random weights; empty for the model itself."""
    seed = STUDY.untrained_seed(wildcards.model)
    return "" if seed is None else f"--untrained-seed {seed}"


def extraction_of(wildcards):
    """Return how the states of a run are extracted, as JSON."""
    return json.dumps(extraction(Place(STUDY, "", wildcards.model)), sort_keys=True)


def extraction_threads(model):
    """Return the threads of an extraction job; a GPU produces states faster than two threads can write them."""
    return 4 if model.gpus else 1


def gpus(wildcards):
    """Return the number of GPUs of a job that runs a model."""
    return base_model(wildcards).gpus


def memory(usual):
    """Return `mem_mb` of a job: from the `resources` of its models, else `usual`; times four after running out."""
    return lambda wildcards, attempt: configured_resource("mem_mb", wildcards, usual) * 4 ** (attempt - 1)


def minutes(usual):
    """Return `runtime` of a job: from the `resources` of its models, else `usual`."""
    return lambda wildcards: configured_resource("runtime", wildcards, usual)


def configured_resource(name, wildcards, usual):
    """Return the resource of a job's model, or the largest of all models."""
    models = [base_model(wildcards)] if "model" in wildcards.keys() else STUDY.models.values()
    return max(model.entry.get("resources", {}).get(name, usual) for model in models)


def kept(files):
    """Return stored states, marked temporary if the configuration does not keep them."""
    return files if config["activations"]["keep"] else [temp(file) for file in files]


def states_of(wildcards):
    """Return the activation files of a run, manifest last."""
    return STUDY.states(wildcards.model, wildcards.context)


def table_files(experiments):
    """Return the collected tables of some experiments, and their other files except figures."""
    return [file for name in experiments if name in ADDED for file in ADDED[name][0]]


def states_folder(wildcards, input):
    """Return the activation folder of a run, which holds its manifest."""
    (folder,) = {str(Path(file).parent) for file in input if file.endswith("manifest.json")}
    return folder


def plain_runs(experiment=None):
    """Return pairs of a model, not a control, and a context of prompts, for the models of an experiment."""
    return [(model, context) for model in STUDY.models_of(experiment) for context in STUDY.contexts_of(model)]


def main_models():
    """Return the models of the experiments of the default target; all models in a study without these."""
    found = [name for experiment in MAIN if experiment in EXPERIMENTS for name in STUDY.models_of(experiment)]
    return list(dict.fromkeys(found)) or list(STUDY.models)


# The context whose probe reads each model of the default target: passages, where the study has them, else any in which
# numbers are read.
LENS_CONTEXTS = {
    name: next(iter(STUDY.contexts_of_kind(name, "natural") + STUDY.own_token_contexts(name)), None)
    for name in main_models()
}
LENS_CONTEXTS = {name: context for name, context in LENS_CONTEXTS.items() if context and STUDY.closed_form}


def lens_controls(model):
    """Return the controls that stand beside a model: one untrained twin, and the mixed embeddings."""
    return [
        Run.parse(run).control for run in STUDY.control_runs(model) if Run.parse(run).control in ("untrained", "mixed")
    ]


def lens_answer_probe(model):
    """Return the probe that reads a model's answers before they are written, in a list; empty without one."""
    contexts = STUDY.contexts_of_kind(model, "result")[:1]
    return [f"results/probes/{model}/{context}/{LEADING}.safetensors" for context in contexts]


def lens_probes(model):
    """Return the probe that reads the numbers of a model, and those of its controls."""
    runs = [model, *(str(Run(model, control)) for control in lens_controls(model))]
    return [f"results/probes/{run}/{LENS_CONTEXTS[model]}/{LEADING}.safetensors" for run in runs]


def prompt_contexts(wildcards):
    """Return the contexts of prompts in which a run's model is studied."""
    return STUDY.contexts_of(Run.parse(wildcards.model).model)


def prompt_runs(wildcards):
    """Return a model and its controls with their contexts of prompts, the model first."""
    runs = [wildcards.model, *STUDY.control_runs(wildcards.model)]
    return [(run, context) for run in runs for context in STUDY.contexts_of(wildcards.model)]


def control_options(wildcards):
    """Return options for the model and control of a run, and the layers to show a control without layers in."""
    model, control = base_model(wildcards), Run.parse(wildcards.model).control
    layers = f" --layers {' '.join(model.layers)}" if control == "mixed" else ""
    return f"--model {model.name} --control {control}{layers}"


def transferred_runs():
    """Return the runs whose transfer between contexts is measured: the models, then their controls."""
    models = [name for name in STUDY.models_of("transfer") if STUDY.contexts_of(name)]
    return models + [run for name in models for run in STUDY.control_runs(name)]


def training_logs():
    """Return the logs of the models that the workflow trains for its main experiments."""
    main = main_models()
    return [f"results/models/{model.name}/training_log.parquet" for model in trained_models() if model.name in main]


def figure_names(experiments):
    """Return the figures of some experiments."""
    return [figure for name in experiments if name in ADDED for figure in ADDED[name][1]]


def training_figure():
    """Return the figure of the training, if the workflow trains a model."""
    return ["training"] if training_logs() else []


def figure_files(figures):
    """Return the files of figures in all formats, with the CSV of the drawn data."""
    return expand("results/figures/{figure}.{format}", figure=figures, format=[*FORMATS, "csv"])


def experiments_of(subject):
    """Return the experiments on a subject, in the order of the configuration; representation includes the main ones."""
    return [name for name in EXPERIMENTS if name in GROUPS[subject] or (subject == "representation" and name in MAIN)]


def told_experiments(subject):
    """Return the experiments that have a section on the page of a subject, in the order of the configuration."""
    return [name for name in EXPERIMENTS if name in GROUPS[subject]]


def tables_of(subject):
    """Return the names of the collected tables that a page of findings reads."""
    files = table_files(experiments_of(subject))
    return [table for table in COLLECTED if f"results/tables/{table}.parquet" in files]


def group_files(subject):
    """Return all files of the experiments on a subject, the page of their findings, and their explorer."""
    experiments = experiments_of(subject)
    page = [f"results/{subject}.md"] if experiments else []
    return experiment_files(experiments) + page + explorer_file(f"{subject}_")


def target_files(name):
    """Return all files of the target of an experiment; the pages of experiments on variance are made by no other."""
    pages = ["results/variance.md", *explorer_file("variance_")] if name in GROUPS["variance"] else []
    return experiment_files([name]) + pages


def experiment_files(experiments):
    """Return all files of some experiments."""
    return table_files(experiments) + figure_files(figure_names(experiments))


def origin_pairs():
    """Return the option with checkpoints and further trainings and their models, which pages count once."""
    pairs = [f"{name}={model}" for name, model in STUDY.origins.items()]
    return " ".join(["--origins", *pairs]) if pairs else ""


def not_applicable_options(skipped):
    """Return the option with the skipped rows of a collected table, `MODEL:CONTEXT:REASON`."""
    return " ".join(["--not-applicable", *map(shlex.quote, skipped)]) if skipped else ""


@dataclass(frozen=True)
class ClosedFormFit:
    """Runs whose closed-form probes have the same controls, and these controls."""

    controls: list[str]
    runs: list[str]

    @property
    def endings(self):
        """Endings of file names after the name of the probe."""
        return ["", *(f".{control}" for control in self.controls)]

    @property
    def pattern(self):
        """Wildcard constraint for the runs."""
        return "|".join(map(re.escape, self.runs))

    def rule_name(self, what):
        """Return the name of the rule."""
        if self.controls == probe_controls():
            return f"fit_{what}"
        return f"fit_{what}_with_{'_'.join(self.controls)}" if self.controls else f"fit_{what}_without_controls"


def probe_controls():
    """Return the study's controls that are separate probes."""
    return [name for name in config["controls"] if name in PROBE_CONTROLS]


def closed_form_fits():
    """Return the groups of runs with the same controls."""
    groups = {}
    for name in STUDY.models:
        for run in (name, *STUDY.control_runs(name)):
            groups.setdefault(tuple(STUDY.probe_controls(run)), []).append(run)
    return [ClosedFormFit(list(controls), runs) for controls, runs in groups.items()]


def steps_of(entry):
    """Return the setting for the number of gradient steps in an entry of probes or experiments."""
    return {"steps": entry["steps"]} if "steps" in entry else {}


def corpus_of(wildcards):
    """Return the file with the texts of a context; empty for built-in texts and generated prompts."""
    entry = STUDY.contexts[wildcards.context]
    if "datasets" in entry:
        return [f"results/corpora/{wildcards.context}.parquet"]
    return [entry["corpus"]] if "corpus" in entry else []


def prompts_of(wildcards):
    """Return the prompt table that a model reads in a context."""
    return STUDY.prompts(wildcards.model, wildcards.context)


def prompt_options(wildcards):
    """Return the options of a context's kind."""
    size = int(wildcards.size) if "size" in wildcards.keys() else None
    entry = with_size(STUDY.contexts[wildcards.context], size)
    options = [f"--kind {entry['kind']}"]
    for key in ("per_value", "texts"):
        if key in entry:
            options.append(f"--{key.replace('_', '-')} {entry[key]}")
    for corpus in map(moved, corpus_of(wildcards)):
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
    """Return a numbered heading of the report: explorer, main experiments, training, then the others as configured."""
    main = [name for name in MAIN if name in ADDED]
    others = [name for name in EXPERIMENTS if name in ADDED and name not in MAIN]
    figures = [*figure_names(main), "training", *figure_names(others)]
    titles = list(dict.fromkeys(["Explorer", *(CATEGORIES[figure] for figure in figures), title]))
    return f"{titles.index(title) + 1:02}. {title}"


def figure_outputs(figure):
    """Return the files of a figure; the PNG is part of the report."""
    image = report(
        f"results/figures/{figure}.png",
        caption=CAPTIONS.get(figure, f"../report/{figure}.rst"),
        category=numbered(CATEGORIES[figure]),
        labels={"figure": figure},
    )
    others = [f"results/figures/{figure}.{format}" for format in [*FORMATS, "csv"] if format != "png"]
    return [image, *others]
