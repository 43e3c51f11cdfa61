"""A checked configuration, resolved into models, contexts and the (model, context) pairs to run.

The Snakefile uses it while it builds the graph, so nothing heavy is imported and no model is opened: the number of
layers comes from the model's `config.json`, its training specification, or the entry's key `n_layers`.
"""

import json
import os
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from check_config import ITERATIVE, VOCABULARY, Config, check_config, settings_for

from numprobe.errors import NumprobeError
from numprobe.experiments.find import experiment_names, find_experiment
from numprobe.layers import middle_layer
from numprobe.models.described import check_model_folder
from numprobe.models.facts import (
    ModelFacts,
    find_package_file,
    find_package_folder,
    has_chat_template,
    model_width,
    state_layers,
    vocabulary_layers,
)
from numprobe.models.gguf.architecture import gguf_facts, gguf_width, main_type, read_known_model
from numprobe.models.gguf.header import FLOATS, known_header
from numprobe.models.json_files import read_model_json
from numprobe.models.single_tokens import count_single_tokens, count_vocabulary_entries
from numprobe.models.source import COMMIT, floating_revision
from numprobe.models.weights import folder_facts, weight_files
from numprobe.runs import MIXED, MIXED_LAYER, UNTRAINED, base_of, control_of, untrained_runs
from numprobe.seeding import derive_seed
from numprobe.splits import make_split

NOT_FOR_ENCODERS = ("result",)
#: Reason for not reading the embedding matrix of a model that writes digits.
SEVERAL_TOKENS = "its numbers are several tokens"
#: Controls that are separate probes; the others are separate runs.
PROBE_CONTROLS = ("shuffled", "gaussian")
#: Kinds of contexts in which the state before the number is read.
BEFORE_THE_NUMBER = ("result",)


@dataclass(frozen=True)
class Model:
    """One entry of `models`."""

    name: str
    entry: Config
    facts: ModelFacts
    layers: tuple[str, ...]
    width: int | None
    source: str
    numbers: range

    @cached_property
    def single_tokens(self) -> int | None:
        """Number of the study's numbers that are one token, from the entry or the files; None if unknown."""
        if "single_tokens" in self.entry:
            return int(self.entry["single_tokens"])
        if self.entry["source"] == "train":
            return len(self.numbers)
        if self.entry["source"] == "hub":
            return None
        if _is_gguf(self.entry):
            return count_vocabulary_entries(_gguf_file(self.entry), self.numbers)
        return count_single_tokens(_folder(self.entry), self.numbers)

    @property
    def has_untrained(self) -> bool:
        """True if the model has its own untrained control.

        Checkpoints share that of their model. For models whose embeddings alone are read, it would equal the control
        `gaussian`: independent random vectors.
        """
        return "of" not in self.entry and not self.embeddings_only

    @property
    def embeddings_only(self) -> bool:
        """True if only the embedding matrices are read, so that the model itself is never loaded."""
        return self.entry.get("contexts") == [VOCABULARY]

    @property
    def device(self) -> str:
        """The device of the forward pass, or `map=` and accelerate's device map, as the programs expect it."""
        spread = self.entry.get("device_map")
        if spread is None:
            return str(self.entry.get("device", "auto"))
        return "map=" + (spread if isinstance(spread, str) else json.dumps(spread, sort_keys=True))

    @property
    def gpus(self) -> int:
        """Number of GPUs of a job that runs the model."""
        explicit = "cuda" in self.device or self.device.startswith("map=")
        return int(self.entry.get("resources", {}).get("gpus", explicit))

    @property
    def gguf(self) -> str | None:
        """The GGUF file that the model is converted from; None for other models."""
        return os.path.relpath(_gguf_file(self.entry)) if _is_gguf(self.entry) else None

    @property
    def chats(self) -> bool | None:
        """True if the model has a chat template; None if unknown until its files are downloaded."""
        if self.entry["source"] in ("hub", "train"):
            return None if self.entry["source"] == "hub" else False
        if self.gguf is not None:
            return "tokenizer.chat_template" in known_header(_gguf_file(self.entry)).metadata
        return has_chat_template(_folder(self.entry))

    @property
    def conversion_mb(self) -> int:
        """Main memory of the conversion in MB: the weights twice in float32, and the libraries."""
        tensors = read_known_model(_gguf_file(self.entry)).tensors.values()
        return 1500 + sum(tensor.weights for tensor in tensors) * 8 // 10**6

    @property
    def files(self) -> list[str]:
        """The model's files, so that a replaced model is read again; empty for hub models, which have a revision."""
        if self.entry["source"] == "hub":
            return []
        if self.entry["source"] == "train":
            folder = json.loads(self.source)["folder"]
            return [f"{folder}/{name}" for name in MODEL_FILES]
        if self.gguf is not None:
            return [f"results/models/{self.name}/{name}" for name in CONVERTED_FILES]
        # Relative if possible, so that a study that is moved with its environment is not run again.
        folder = os.path.relpath(_folder(self.entry))
        patterns = ("config.json", "tokenizer*.json", "chat_template.*")
        small = [file for pattern in patterns for file in Path(folder).glob(pattern)]
        weights = weight_files(folder, self.embeddings_only)
        return sorted(f"{folder}/{file.relative_to(folder)}" for file in [*small, *weights])


#: Files that the workflow writes for a model that it trains, and for one that it converts.
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "checksums.json")
CONVERTED_FILES = (*MODEL_FILES, "conversion.json")


@dataclass(frozen=True)
class Study:
    """All that the rules need to know."""

    config: Config

    @cached_property
    def models(self) -> dict[str, Model]:
        """Models by name."""
        return {entry["name"]: _model(entry, self.config) for entry in self.config["models"]}

    @cached_property
    def quantised(self) -> dict[str, Config]:
        """Name -> file and type of the weights of quantised models, for the captions."""
        files = {name: _gguf_file(model.entry) for name, model in self.models.items() if model.gguf}
        types = {name: main_type(read_known_model(file)) for name, file in files.items()}
        return {name: {"file": files[name].name, "type": kind} for name, kind in types.items() if kind not in FLOATS}

    @cached_property
    def contexts(self) -> dict[str, Config]:
        """Contexts by name."""
        return {entry["name"]: entry for entry in self.config["contexts"]}

    @cached_property
    def closed_form(self) -> list[str]:
        """Names of the probes that are fitted in closed form."""
        return [entry["name"] for entry in self.config["probes"] if entry["name"] not in ITERATIVE]

    @cached_property
    def leading_probe(self) -> str:
        """The closed-form probe that stands for all where one is shown: `fourier`, or else the first."""
        return "fourier" if "fourier" in self.closed_form else self.closed_form[0]

    @cached_property
    def iterative(self) -> list[Config]:
        """Entries of the probes that are trained by gradient descent."""
        return [entry for entry in self.config["probes"] if entry["name"] in ITERATIVE]

    def experiment(self, name: str) -> Config | None:
        """Return the entry of an experiment, if the study has it."""
        return next((entry for entry in self.config["experiments"] if entry["name"] == name), None)

    def settings(self, experiment: str, model: str) -> Config:
        """Return an experiment's settings for a model, with the model's own; {} without the experiment."""
        return settings_for(self.experiment(experiment) or {}, model)

    def models_of(self, experiment: str | None = None, context: str | None = None) -> list[str]:
        """Return the names of the models that take part in an experiment (None: any), as ordered in the configuration.

        `context`: only those that are studied in this context (or `vocabulary`).
        """
        return [
            name
            for name, model in self.models.items()
            if experiment in (None, *model.entry.get("experiments", [experiment]))
            and context in (None, *self._all_contexts(name))
        ]

    def unrelated_models(self, target: str) -> list[str]:
        """Return the models other than checkpoints, the target, and the model that the target is a checkpoint of."""
        run = self.models[target].entry.get("of", target)
        return [name for name, model in self.models.items() if "of" not in model.entry and name != run]

    def specification(self, model: str) -> str:
        """Return a word that is equal for models that differ only in their training seed; for others, their name.

        Trained models are seeded by the study's seed and their name, so two entries with equal `train` are two seeds.
        Which checkpoints are saved does not matter.
        """
        entry = self.models[model].entry
        if entry["source"] != "train":
            return model
        train = _entry(self.config, entry.get("of", model))["train"]
        kept = {key: value for key, value in train.items() if key != "checkpoints"}
        return f"{derive_seed(0, json.dumps(kept, sort_keys=True), entry.get('revision', 'end')):x}"

    def experiment_contexts(self, experiment: str, model: str) -> list[str]:
        """Return the contexts that an experiment names and a model is studied in (`vocabulary` included)."""
        wanted = (self.experiment(experiment) or {}).get("contexts", [])
        return [context for context in wanted if context in self._all_contexts(model)]

    def contexts_of(self, model: str) -> list[str]:
        """Return the names of the contexts in which a model is studied, prompts only."""
        return [name for name in self._wanted(model) if name != VOCABULARY and not self._reason(model, name)]

    def own_token_contexts(self, run_model: str) -> list[str]:
        """Return the names of the contexts in which a model, or a control of it, reads a number at its own token."""
        contexts = self.contexts_of(base_of(run_model))
        return [name for name in contexts if self.contexts[name]["kind"] not in BEFORE_THE_NUMBER]

    def one_state(self, context: str) -> bool:
        """Return whether a state in a context depends on the number only: bare numbers and matrix rows."""
        return context == VOCABULARY or self.contexts[context]["kind"] == "number"

    def contexts_of_kind(self, model: str, *kinds: str) -> list[str]:
        """Return the names of the contexts of some kinds in which a model is studied."""
        return [name for name in self.contexts_of(model) if self.contexts[name]["kind"] in kinds]

    def asked_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return pairs of a causal model that takes part in an experiment and a context of kind result."""
        models = self.models_of(experiment)
        return [(model, context) for model in models for context in self.contexts_of_kind(model, "result")]

    def not_asked(self, experiment: str) -> list[str]:
        """Return `model:context:reason` for contexts of kind result that models of an experiment cannot answer."""
        return [
            text
            for text in self.not_applicable(experiment)
            if self.contexts.get(text.split(":")[1], {}).get("kind") == "result"
        ]

    def changed_layers(self, experiment: str, model: str) -> list[str]:
        """Return the stored states of a model that an experiment changes: those named, else all after a block."""
        wanted = [str(layer) for layer in self.settings(experiment, model).get("layers", [])]
        stored = self.models[model].layers
        return [layer for layer in stored if (layer in wanted if wanted else layer.isdigit() and layer != "0")]

    def operand_context(self, model: str) -> str | None:
        """Return the first context of kind operand in which a model is studied."""
        return next(iter(self.contexts_of_kind(model, "operand")), None)

    def operand(self, experiment: str, context: str) -> str:
        """Return the operand that an experiment changes in a context: the wanted one if its range is not narrower."""
        wanted = str((self.experiment(experiment) or {}).get("operand", "b"))
        other = "a" if wanted == "b" else "b"
        numbers = self.config["numbers"]
        ranges = {name: (numbers["min"], numbers["max"]) for name in "ab"}
        ranges |= self.contexts[context].get("operands") or {}
        widths = {name: last - first for name, (first, last) in ranges.items()}
        return other if widths[other] > widths[wanted] else wanted

    def operand_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return the pairs of `asked_runs` whose model is also studied in a context of kind operand."""
        return [run for run in self.asked_runs(experiment) if self.operand_context(run[0])]

    def no_operands(self, experiment: str) -> list[str]:
        """Return `model:context:reason` for the pairs of `asked_runs` not in `operand_runs`, and for `not_asked`."""
        lacking = [run for run in self.asked_runs(experiment) if not self.operand_context(run[0])]
        without = [f"{model}:{context}:no context of kind operand" for model, context in lacking]
        return without + self.not_asked(experiment)

    def operand_layers(self, experiment: str, model: str) -> list[str]:
        """Return the states of a model that an experiment on operands changes, with "middle" resolved."""
        wanted = self.settings(experiment, model).get("layers", self.models[model].layers)
        names = [middle_layer(self.models[model].layers) if name == "middle" else str(name) for name in wanted]
        return [name for name in dict.fromkeys(names) if name in self.models[model].layers]

    def controls_of(self, model: str) -> list[str]:
        """Return the names of a model's controls: those of the study that its entry names, by default all."""
        own = self.models[model].entry.get("controls", self.config["controls"])
        return [name for name in self.config["controls"] if name in own]

    def reads_untrained(self, model: str) -> bool:
        """Return whether a model has its own untrained control and the study wants it."""
        return "untrained" in self.controls_of(model) and self.models[model].has_untrained

    def runs(self, experiment: str | None = None) -> list[tuple[str, str]]:
        """Return all (model, context) pairs, `vocabulary` included, the first untrained controls after the models.

        `experiment`: only the pairs of the models that take part in it.
        """
        names = self.models_of(experiment)
        plain = [(name, context) for name in names for context in self._all_contexts(name)]
        untrained = [
            (name + UNTRAINED, context)
            for name in names
            if self.reads_untrained(name)
            for context in self._all_contexts(name)
        ]
        return plain + untrained

    @cached_property
    def bare_context(self) -> str | None:
        """The first context of bare numbers, which experiments on geometry read beside the embedding matrices."""
        return next((name for name, entry in self.contexts.items() if entry["kind"] == "number"), None)

    def bare_runs(self, experiment: str) -> list[tuple[str, str]]:
        """Return the runs on embedding matrices and bare numbers, of an experiment's models and untrained controls."""
        contexts = (VOCABULARY, self.bare_context)
        return [(model, context) for model, context in self.runs(experiment) if context in contexts]

    def control_runs(self, model: str) -> list[str]:
        """Return the names of the runs that are controls of a model: the untrained ones, then the mixed one."""
        seeds = self.models[model].entry.get("untrained_seeds", 1) if self.reads_untrained(model) else 0
        return untrained_runs(model, seeds) + self.mixed_runs(model)

    def mixed_runs(self, model: str) -> list[str]:
        """Return the mixed control of a model in a list, empty without a context of prompts, which it needs."""
        return [model + MIXED] if "mixed" in self.controls_of(model) and self.contexts_of(model) else []

    def all_runs(self, experiment: str | None = None) -> list[tuple[str, str]]:
        """Return the pairs of `runs`, then those of the other untrained controls and of the mixed ones."""
        first = self.runs(experiment)
        controls = [run for name in self.models_of(experiment) for run in self.control_runs(name)]
        further = [(run, context) for run in controls for context in self.run_contexts(run)]
        return first + [pair for pair in further if pair not in first]

    def run_contexts(self, run_model: str) -> list[str]:
        """Return the names of the contexts of a run, `vocabulary` included; of a mixed run, those of prompts only."""
        model = base_of(run_model)
        return self.contexts_of(model) if control_of(run_model) == "mixed" else self._all_contexts(model)

    def _all_contexts(self, model: str) -> list[str]:
        vocabulary = VOCABULARY in self._wanted(model) and not self._reason(model, VOCABULARY)
        return [VOCABULARY] * vocabulary + self.contexts_of(model)

    def not_applicable(self, experiment: str | None = None, contexts: Container[str] | None = None) -> list[str]:
        """Return `model:context:reason` for every skipped pair of the models that take part in an experiment.

        `contexts`: the contexts that the experiment reads; None: all, `vocabulary` included.
        """
        return [
            f"{model}:{context}:{self._reason(model, context)}"
            for model in self.models_of(experiment)
            for context in self._wanted(model)
            if (contexts is None or context in contexts) and self._reason(model, context)
        ]

    def _wanted(self, model: str) -> list[str]:
        return list(self.models[model].entry.get("contexts", [VOCABULARY, *self.contexts]))

    def _reason(self, model: str, context: str) -> str | None:
        if context == VOCABULARY:
            return SEVERAL_TOKENS if self.writes_several_tokens(model) else None
        encoder = self.models[model].facts.encoder and self.contexts[context]["kind"] in NOT_FOR_ENCODERS
        return "encoder" if encoder else None

    def writes_several_tokens(self, model: str) -> bool:
        """Return whether a model has too few single-token numbers for experiments on its embedding matrix."""
        single = self.models[model].single_tokens
        return single is not None and single < self.fewest_single

    @property
    def fewest_single(self) -> int:
        """Number of numbers that must be single tokens: as configured, at least two per fold, at most all."""
        numbers = self.config["numbers"]
        folds = [_folds(self.config), (self.experiment("embedding_probes") or {"folds": 1})["folds"]]
        return min(max(numbers["fewest_single"], 2 * max(folds)), int(numbers["max"] - numbers["min"] + 1))

    def no_rows(self, model: str) -> str:
        """Return why the embedding matrix of a model is not read."""
        return SEVERAL_TOKENS if self.writes_several_tokens(model) else "no probes of its embeddings"

    def without_rows(self, experiment: str) -> list[str]:
        """Return the models of an experiment whose embedding matrix is wanted but lacks rows for their numbers."""
        wanting = [name for name in self.models_of(experiment) if VOCABULARY in self._wanted(name)]
        return [name for name in wanting if self._reason(name, VOCABULARY)]

    def layers(self, run_model: str, context: str) -> tuple[str, ...]:
        """Return the names of the states of a model (or of a control of it) in a context."""
        if control_of(run_model) == "mixed":
            return (MIXED_LAYER,)
        model = self.models[base_of(run_model)]
        return tuple(vocabulary_layers(model.facts)) if context == VOCABULARY else model.layers

    def layer(self, run_model: str, context: str, wanted: str) -> str:
        """Return the state named `wanted` ("middle" or a name) of a model in a context; for matrices, the input matrix.

        Raises
        ------
        NumprobeError
            If the model has no such state.
        """
        layers = self.layers(run_model, context)
        if context == VOCABULARY:
            return layers[0]
        if wanted != "middle" and wanted not in layers:
            raise NumprobeError(f"model '{run_model}' has no state {wanted}; it has {', '.join(layers)}")
        return middle_layer(layers) if wanted == "middle" else wanted

    def states(self, run_model: str, context: str) -> list[str]:
        """Return the activation files of a run, manifest last."""
        folder = f"results/activations/{run_model}/{context}"
        layers = [f"{folder}/residual-{layer}.parquet" for layer in self.layers(run_model, context)]
        return [*layers, f"{folder}/positions.parquet", f"{folder}/manifest.json"]

    def iterative_entries(self, run_model: str, context: str) -> list[Config]:
        """Return the entries of the iterative probes of a run; empty for controls."""
        if control_of(run_model) != "none":
            return []
        return [entry for entry in self.iterative if _covers(entry, run_model, context)]

    def probe_controls(self, run_model: str) -> list[str]:
        """Return the controls that are separate probes; empty for runs that are controls themselves."""
        if control_of(run_model) != "none":
            return []
        return [name for name in self.controls_of(run_model) if name in PROBE_CONTROLS]

    def closed_form_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the closed-form probes of a run and of their controls."""
        endings = ["", *(f".{control}" for control in self.probe_controls(run_model))]
        folder = f"results/probes/{run_model}/{context}"
        return [f"{folder}/{name}{ending}.safetensors" for name in self.closed_form for ending in endings]

    def accuracy_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the probes that the experiment `accuracy` measures."""
        trained = [] if self.experiment("trained_probes") else self.iterative_files(run_model, context)
        return self.closed_form_files(run_model, context) + trained

    def iterative_files(self, run_model: str, context: str) -> list[str]:
        """Return the files of the iterative probes of a run and of their shuffled controls."""
        return [
            f"results/probes/{run_model}/{context}/{entry['name']}{ending}.safetensors"
            for entry in self.iterative_entries(run_model, context)
            for ending in (["", ".shuffled"] if entry["shuffled"] else [""])
        ]

    def untrained_seed(self, run_model: str) -> int | None:
        """Return the seed of the random weights of an untrained control; None for other runs."""
        control = control_of(run_model)
        if not control.startswith("untrained"):
            return None
        return derive_seed(self.config["seed"], control, base_of(run_model)) % 2**31

    def size(self, run_model: str, context: str) -> int | None:
        """Return a model's own size of a context (`per_value` or `texts`); None for the context's."""
        size = self.models[base_of(run_model)].entry.get("sizes", {}).get(context)
        return None if size is None else int(size)

    def sized(self, run_model: str, context: str) -> Config:
        """Return the entry of a context with its size for a model."""
        return with_size(self.contexts[context], self.size(run_model, context))

    def prompts(self, run_model: str, context: str) -> str:
        """Return the prompt table that a model, or a control of it, reads in a context."""
        size = self.size(run_model, context)
        return f"results/prompts/{context}.parquet" if size is None else f"results/prompts/{context}/{size}.parquet"

    def context_seed(self, context: str) -> int:
        """Return the seed of a context's prompts."""
        return int(self.contexts[context].get("seed", self.config["seed"]))


def with_size(entry: Config, size: int | None) -> Config:
    """Return the entry of a context with another size (`texts` of natural ones, else `per_value`); None: its own."""
    key = "texts" if entry["kind"] == "natural" else "per_value"
    return entry if size is None else entry | {key: size}


def floating_revisions(study: Study) -> list[str]:
    """Return a warning for every model and dataset of the hub whose revision is no commit."""
    entries = [model.entry for model in study.models.values() if model.entry["source"] == "hub"]
    told = [(entry["name"], floating_revision(entry["id"], entry["revision"])) for entry in entries]
    drawn = [
        f"warning: contexts['{name}'].datasets[{place}]: revision '{source.get('revision', 'main')}' of "
        f"{source['id']} may name other texts tomorrow: write a commit"
        for name, entry in study.contexts.items()
        for place, source in enumerate(entry.get("datasets", []))
        if "id" in source and not COMMIT.fullmatch(source.get("revision", ""))
    ]
    return [f"warning: models['{name}']: {warning}" for name, warning in told if warning] + drawn


def load_study(config: Config, given: Config | None = None) -> Study:
    """Check the configuration, fill in defaults and resolve it.

    Parameters
    ----------
    config
        The configuration; changed in place.
    given
        The part of it given by `--config` on the command line.

    Raises
    ------
    NumprobeError
        With every problem of the configuration, or with the model whose files cannot be found.
    """
    check_config(config, given)
    study = Study(config)
    problems = _split_problems(config)
    for entry in config["models"]:
        try:
            _model(entry, config)
        except NumprobeError as error:
            problems.append(f"  - models['{entry['name']}']: {error}")
    checks = (
        _single_token_problems,
        _prompting_problems,
        _declared_problems,
    )
    problems += [] if problems else [problem for check in checks for problem in check(study)]
    if problems:
        raise NumprobeError("the configuration has {} problem(s):\n{}".format(len(problems), "\n".join(problems)))
    idle = _idle_experiments(study)
    if idle:
        needs = "; ".join(f"'{name}' needs {what}" for name, what in idle.items())
        raise NumprobeError(
            f"experiments: none of the models has the contexts for it: {needs}. Leave it out or add them"
        )
    return study


def _idle_experiments(study: Study) -> dict[str, str]:
    """Return the experiments for which no model of the study has the contexts -> the contexts that they need."""
    names = [entry["name"] for entry in study.config["experiments"]]
    idle = {name: what for name, what in _EXPERIMENT_CONTEXTS.items() if name in names and not _applies(study, name)}
    for name in names:
        for need in find_experiment(name).needs if name in experiment_names() else ():
            if not need.is_met(study, name):
                idle[name] = need.what
    return idle


_EXPERIMENT_CONTEXTS = {
    "accuracy": "any context",
    "transfer": "a context of prompts",
    "spectra": f"'{VOCABULARY}'",
    "examples": "a context of prompts",
}


def _applies(study: Study, experiment: str) -> bool:
    """Return whether a study has the contexts of an experiment; matrices without rows for the numbers count."""
    without = study.without_rows(experiment)
    contexts = [context for _, context in study.runs(experiment)] + [VOCABULARY] * len(without)
    if experiment == "spectra":
        return VOCABULARY in contexts
    return bool(contexts) if experiment == "accuracy" else bool(set(contexts) - {VOCABULARY})


def _single_token_problems(study: Study) -> list[str]:
    """Check that single-token numbers suffice if those of several tokens are left out."""
    if study.config["numbers"]["tokens"] != "single":
        return []
    folds = _folds(study.config)
    counted = {name: model for name, model in study.models.items() if study.contexts_of(name)}
    return [
        f"  - numbers.tokens: is 'single', but of '{name}' only {model.single_tokens} of {model.numbers[0]}.."
        f"{model.numbers[-1]} are single tokens, too few for {folds} fold(s): set tokens: any, or leave the model out"
        for name, model in counted.items()
        if model.single_tokens is not None and model.single_tokens < 2 * folds
    ]


def _folds(config: Config) -> int:
    return int(config["split"]["folds"]) if config["split"]["scheme"] == "folds" else 1


def _declared_problems(study: Study) -> list[str]:
    """Return the problems of declared experiments."""
    names = [entry["name"] for entry in study.config["experiments"] if entry["name"] in experiment_names()]
    needs = [(name, need) for name in names for need in find_experiment(name).needs]
    return [f"  - {problem}" for name, need in needs for problem in need.study_problems(study, name)]


def _prompting_problems(study: Study) -> list[str]:
    """Check that worked examples and chats are used with models that answer, and chats with chat templates."""
    problems = []
    for name, context in study.contexts.items():
        keys = [key for key in ("shots", "chat") if context.get(key)]
        answering = study.models_of(context=name)
        named = [model for model in study.models if name in study._wanted(model)]
        if keys and named and not answering:
            problems.append(
                f"  - contexts['{name}'].{keys[0]}: is for models that answer, but all models of this context are "
                f"encoders ({', '.join(named)}): add a causal model, or leave the context out"
            )
        problems += [
            f"  - contexts['{name}'].chat: model '{model}' has no chat template: leave chat out, leave the context out "
            "of the model's contexts, or put chat_template.jinja into the model's folder"
            for model in answering
            if "chat" in keys and study.models[model].chats is False
        ]
    return problems


def _split_problems(config: Config) -> list[str]:
    """Check that no fold is empty, as may happen in a small range, since values are assigned by hash."""
    try:
        make_split(config["numbers"]["min"], config["numbers"]["max"], **config["split"], seed=config["seed"])
    except NumprobeError as error:
        return [f"  - {error}"]
    return []


def _covers(entry: Config, model: str, context: str) -> bool:
    return model in entry.get("models", [model]) and context in entry.get("contexts", [context])


def _model(entry: Config, config: Config) -> Model:
    facts = _facts(entry, config)
    source = json.dumps(_source(entry, config), sort_keys=True)
    numbers = range(config["numbers"]["min"], config["numbers"]["max"] + 1)
    return Model(entry["name"], entry, facts, _chosen_layers(entry, facts), _width(entry, config), source, numbers)


def _width(entry: Config, config: Config) -> int | None:
    """Return the components of a state; None for a hub model whose entry does not say."""
    if entry["source"] == "hub":
        return entry.get("width")
    if entry["source"] == "train":
        spec = entry["train"] if "train" in entry else _entry(config, entry["of"])["train"]
        return int(spec["hidden_size"])
    if _is_gguf(entry):
        return gguf_width(read_known_model(_gguf_file(entry)))
    return model_width(_config_json(entry))


def _chosen_layers(entry: Config, facts: ModelFacts) -> tuple[str, ...]:
    existing = state_layers(facts)
    wanted = [str(state) for state in entry.get("states", existing)]
    missing = [state for state in wanted if state not in existing]
    if missing:
        raise NumprobeError(f"states: the model has no {', '.join(missing)}; it has {', '.join(existing)}")
    if not any(state.isdigit() for state in wanted):
        raise NumprobeError(f"states: name at least one block, 0 to {facts.layers} (is {', '.join(wanted)})")
    return tuple(layer for layer in existing if layer in wanted)


def _facts(entry: Config, config: Config) -> ModelFacts:
    if entry["source"] == "hub":
        return ModelFacts(
            layers=entry["n_layers"],
            encoder=entry["encoder"],
            final_norm=entry["final_norm"],
            tied=entry["tied"],
            unembedding=not entry["encoder"],
        )
    if entry["source"] == "train":
        spec = entry["train"] if "train" in entry else _entry(config, entry["of"])["train"]
        return ModelFacts(
            layers=spec["n_layers"],
            encoder=False,
            final_norm=True,
            tied=spec["architecture"] != "olmo2",
            unembedding=True,
        )
    if _is_gguf(entry):
        return gguf_facts(read_known_model(_gguf_file(entry)))
    _config_json(entry)
    folder = _folder(entry)
    check_model_folder(folder, embeddings_only=entry.get("contexts") == [VOCABULARY])
    return folder_facts(folder)


def _entry(config: Config, name: str) -> Config:
    return next(entry for entry in config["models"] if entry["name"] == name)


def _is_gguf(entry: Config) -> bool:
    return entry["source"] == "gguf" or "file" in entry


def _gguf_file(entry: Config) -> Path:
    return Path(entry["path"]) if entry["source"] == "gguf" else find_package_file(entry["package"], entry["file"])


def _folder(entry: Config) -> Path:
    if entry["source"] == "package":
        return find_package_folder(entry["package"], entry["folder"])
    return Path(entry["path"])


def _config_json(entry: Config) -> Config:
    file = _folder(entry) / "config.json"
    if file.parent.suffix == ".gguf":
        raise NumprobeError(f"{file.parent} is a GGUF file: write source: gguf")
    if not file.is_file():
        raise NumprobeError(f"{file} does not exist: name a folder that save_pretrained wrote")
    return read_model_json(file)


_SOURCE_KEYS = ("id", "revision", "package", "folder", "path", "prefix_token", "trust_remote_code")


def _source(entry: Config, config: Config) -> dict[str, Any]:
    """Return the source from which programs find the model and read its numbers."""
    source = {"kind": entry["source"], **{key: entry[key] for key in _SOURCE_KEYS if key in entry}}
    if entry["source"] == "train":
        base = f"results/models/{entry.get('of', entry['name'])}"
        source["folder"] = f"{base}/revisions/{entry['revision']}" if "of" in entry else base
        source.pop("revision", None)
    if _is_gguf(entry):
        source = {"kind": "gguf", "folder": f"results/models/{entry['name']}"}
        source |= {"prefix_token": entry["prefix_token"]} if "prefix_token" in entry else {}
    if config["numbers"]["tokens"] == "single":
        source["single_tokens"] = True
    return source | ({"embeddings_only": True} if entry.get("contexts") == [VOCABULARY] else {})
