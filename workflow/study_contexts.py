"""Which model of a study is studied in which contexts, and why not in others."""

import json
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property

from check_schema import settings_for
from study_models import Model, resolve_model
from study_trainings import training_entries

from numprobe.experiments.declare import Config, Experiment
from numprobe.experiments.find import experiment_names, find_experiment
from numprobe.experiments.inputs import VOCABULARY
from numprobe.runs import Run
from numprobe.seeding import derive_seed
from numprobe.splits import STUDY

NOT_FOR_ENCODERS = ("result",)


#: Reason for not reading the embedding matrix of a model that writes digits.
SEVERAL_TOKENS = "its numbers are several tokens"


#: Kinds of contexts in which the state before the number is read.
BEFORE_THE_NUMBER = ("result",)


@dataclass(frozen=True)
class StudyContexts:
    """The models and contexts of a study."""

    config: Config

    @cached_property
    def models(self) -> dict[str, Model]:
        """Models by name, each training of a model that is trained several times."""
        return {entry["name"]: resolve_model(entry, self.config) for entry in training_entries(self.config)}

    @cached_property
    def quantised(self) -> dict[str, Config]:
        """Name -> file and type of the weights of quantised models, for the captions."""
        return {name: found for name, model in self.models.items() if (found := model.quantised)}

    @cached_property
    def contexts(self) -> dict[str, Config]:
        """Contexts by name."""
        return {entry["name"]: entry for entry in self.config["contexts"]}

    @cached_property
    def declared(self) -> dict[str, Experiment]:
        """Declarations of the study's experiments that have a folder, by name."""
        names = [entry["name"] for entry in self.config["experiments"]]
        return {name: find_experiment(name) for name in names if name in experiment_names()}

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

    def model_of(self, run_model: str) -> Model:
        """Return the model of a run."""
        return self.models[Run.parse(run_model).model]

    def unrelated_models(self, target: str) -> list[str]:
        """Return one model of each entry that is trained or loaded, without that of the target."""
        own = self.models[target].origin
        return [name for name, model in self.models.items() if name == model.origin != own]

    @cached_property
    def origins(self) -> dict[str, str]:
        """Checkpoint or further training -> the model that it belongs to."""
        return {name: model.origin for name, model in self.models.items() if model.origin != name}

    def trainings(self, model: str) -> list[str]:
        """Return all trainings of a model in order, the model itself first."""
        return [name for name, other in self.models.items() if other.entry.get("replicate_of", name) == model]

    def trained_again(self, experiment: str) -> list[str]:
        """Return the models of an experiment that are trained several times."""
        return [name for name in self.models_of(experiment) if len(self.trainings(name)) > 1]

    def specification(self, model: str) -> str:
        """Return a word that is equal for models that differ only in their training seed; for others, their name.

        Trained models are seeded by the study's seed and their name, so two entries with equal `train` are two seeds,
        like the trainings of one entry. Which checkpoints are saved does not matter.
        """
        entry = self.models[model].entry
        if entry["source"] != "train":
            return model
        train = self.models[entry.get("of", model)].entry["train"]
        kept = {key: value for key, value in train.items() if key != "checkpoints"}
        return f"{derive_seed(0, json.dumps(kept, sort_keys=True), entry.get('revision', 'end')):x}"

    def experiment_contexts(self, experiment: str, model: str) -> list[str]:
        """Return the contexts that an experiment names and a model is studied in (`vocabulary` included)."""
        wanted = (self.experiment(experiment) or {}).get("contexts", [])
        return [context for context in wanted if context in self._all_contexts(model)]

    def contexts_of(self, model: str) -> list[str]:
        """Return the names of the contexts in which a model is studied, prompts only."""
        return [name for name in self.wanted_contexts(model) if name != VOCABULARY and not self._reason(model, name)]

    def own_token_contexts(self, run_model: str) -> list[str]:
        """Return the names of the contexts in which a model, or a control of it, reads a number at its own token."""
        contexts = self.contexts_of(Run.parse(run_model).model)
        return [name for name in contexts if self.contexts[name]["kind"] not in BEFORE_THE_NUMBER]

    def one_state(self, context: str) -> bool:
        """Return whether a state in a context depends on the number only: bare numbers and matrix rows."""
        return context == VOCABULARY or self.contexts[context]["kind"] == "number"

    def contexts_of_kind(self, model: str, *kinds: str) -> list[str]:
        """Return the names of the contexts of some kinds in which a model is studied."""
        return [name for name in self.contexts_of(model) if self.contexts[name]["kind"] in kinds]

    def _all_contexts(self, model: str) -> list[str]:
        vocabulary = VOCABULARY in self.wanted_contexts(model) and not self._reason(model, VOCABULARY)
        return [VOCABULARY] * vocabulary + self.contexts_of(model)

    def not_applicable(self, experiment: str | None = None, contexts: Container[str] | None = None) -> list[str]:
        """Return `model:context:reason` for every skipped pair of the models that take part in an experiment.

        `contexts`: the contexts that the experiment reads; None: all, `vocabulary` included.
        """
        return [
            f"{model}:{context}:{self._reason(model, context)}"
            for model in self.models_of(experiment)
            for context in self.wanted_contexts(model)
            if (contexts is None or context in contexts) and self._reason(model, context)
        ]

    def wanted_contexts(self, model: str) -> list[str]:
        """Return the contexts that a model's entry asks for, `vocabulary` included."""
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
        folds = max([count_folds(self.config), *self._own_folds.values()])
        return min(max(numbers["fewest_single"], 2 * folds), int(numbers["max"] - numbers["min"] + 1))

    @property
    def splits(self) -> dict[str, Config]:
        """Return the parameters of `numprobe.splits.make_split` of each split of the numbers, by name.

        They are the study's split, and those of experiments with folds of their own.
        """
        numbers = {"minimum": self.config["numbers"]["min"], "maximum": self.config["numbers"]["max"]}
        study = {**numbers, **self.config["split"], "seed": self.config["seed"]}
        own = {name: {**study, "scheme": "folds", "folds": folds} for name, folds in self._own_folds.items()}
        return {STUDY: study, **own}

    @property
    def _own_folds(self) -> dict[str, int]:
        settings = {name: declared.folds for name, declared in self.declared.items() if declared.folds}
        return {name: (self.experiment(name) or {})[setting] for name, setting in settings.items()}

    def no_rows(self, model: str) -> str:
        """Return why the embedding matrix of a model is not read."""
        return SEVERAL_TOKENS if self.writes_several_tokens(model) else "no probes of its embeddings"

    def without_rows(self, experiment: str) -> list[str]:
        """Return the models of an experiment whose embedding matrix is wanted but lacks rows for their numbers."""
        wanting = [name for name in self.models_of(experiment) if VOCABULARY in self.wanted_contexts(name)]
        return [name for name in wanting if self._reason(name, VOCABULARY)]

    def size(self, run_model: str, context: str) -> int | None:
        """Return a model's own size of a context (`per_value` or `texts`); None for the context's."""
        size = self.model_of(run_model).entry.get("sizes", {}).get(context)
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


def count_folds(config: Config) -> int:
    """Return the number of folds of the study's split."""
    return int(config["split"]["folds"]) if config["split"]["scheme"] == "folds" else 1
