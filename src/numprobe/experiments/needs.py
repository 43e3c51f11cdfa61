"""Conditions of experiments: the check before the run, its message, and the note of a model that lacks something."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from numprobe.experiments.declare import Config, Need, Study
from numprobe.experiments.inputs import VOCABULARY
from numprobe.names import unknown_names


def any_context() -> Need:
    """A model in any context."""
    return Need(
        what="any context",
        is_met=lambda study, name: bool(study.runs(name) or study.without_rows(name)),
        skipped=lambda study, name: _list(study.not_applicable(name)),
    )


def embedding_rows() -> Need:
    """Rows of the numbers in the embedding matrix: models whose numbers are several tokens have none."""
    return Need(
        what=f"'{VOCABULARY}'",
        is_met=lambda study, name: bool(study.models_of(name, VOCABULARY) or study.without_rows(name)),
        skipped=lambda study, name: _list(study.not_applicable(name, [VOCABULARY])),
    )


def answers() -> Need:
    """A causal model that answers the prompts of a context of kind result."""
    return Need(
        what="a context of kind result in a causal model",
        is_met=lambda study, name: bool(study.asked_runs(name)),
        skipped=lambda study, name: _list(study.not_asked(name)),
    )


def operands() -> Need:
    """A causal model that answers, and that is studied in a context of kind operand too."""
    return Need(
        what="contexts of the kinds operand and result in a causal model",
        is_met=lambda study, name: bool(study.operand_runs(name)),
        skipped=lambda study, name: _list(study.no_operands(name)),
        study_problems=_unread_layers,
    )


def prompts() -> Need:
    """A model in a context of prompts."""
    return Need(
        what="a context of prompts",
        is_met=lambda study, name: any(study.contexts_of(model) for model in study.models_of(name)),
        skipped=lambda study, name: _list(study.not_applicable(name, study.contexts)),
    )


def changed_layers() -> Need:
    """A stored state to change in every model that answers."""
    return Need(study_problems=_unstored_layers)


def named_contexts() -> Need:
    """A model in one of the contexts of prompts under the experiment's key `contexts`."""
    return Need(
        what="one of its contexts",
        is_met=_has_named_contexts,
        skipped=lambda study, name: _list(study.not_applicable(name, study.experiment(name)["contexts"])),
        problems=lambda config, name: _unknown_contexts(config, name, _kinds(config)),
    )


def number_contexts() -> Need:
    """A model in one of the contexts under the key `contexts`, in which a number has one state."""
    return replace(named_contexts(), problems=_other_contexts)


def fourier_probe() -> Need:
    """The probe `fourier`, whose file the experiment reads."""
    return Need(problems=_without_fourier)


def experiments(*others: str) -> Need:
    """Other experiments whose tables the experiment reads."""
    return Need(problems=lambda config, name: _missing_experiments(config, name, others))


def entry_of(config: Config, name: str) -> Config:
    """Return the entry of an experiment in a configuration."""
    return next(entry for entry in config["experiments"] if entry["name"] == name)


def unknown_models(config: Config, name: str) -> Iterator[str]:
    """Yield the models that an experiment names and the configuration lacks."""
    models = [model["name"] for model in config["models"]]
    return unknown_names(entry_of(config, name).get("models", []), models, f"experiments['{name}'].models", "models")


def _unread_layers(study: Study, name: str) -> Iterator[str]:
    """A state that is changed must be read by later tokens: what leaves the last block is not."""
    for model in dict.fromkeys(model for model, _ in study.operand_runs(name)):
        read = map(str, range(study.models[model].facts.layers))
        if not set(read) & set(study.operand_layers(name, model)):
            yield f"experiments['{name}'].layers: '{model}' has none of them before its end"


def _unstored_layers(study: Study, name: str) -> Iterator[str]:
    for model in dict.fromkeys(model for model, _ in study.asked_runs(name)):
        if not study.changed_layers(name, model):
            yield f"experiments['{name}'].layers: {model} stores none of them"


def _list(found: list[str]) -> list[str]:
    return found


def _has_named_contexts(study: Study, name: str) -> bool:
    """Return whether a model is studied in one of them; matrices without rows for the numbers count."""
    lost = VOCABULARY in study.experiment(name)["contexts"] and study.without_rows(name)
    return bool(lost) or any(study.experiment_contexts(name, model) for model in study.models_of(name))


def _unknown_contexts(config: Config, name: str, known: Iterable[str]) -> Iterator[str]:
    where = f"experiments['{name}'].contexts"
    return unknown_names(entry_of(config, name)["contexts"], list(known), where, "contexts")


def _other_contexts(config: Config, name: str) -> Iterator[str]:
    kinds = _kinds(config)
    yield from _unknown_contexts(config, name, [*kinds, VOCABULARY])
    for context in entry_of(config, name)["contexts"]:
        if kinds.get(context, "number") != "number":
            yield (
                f"experiments['{name}'].contexts: '{context}' is of kind {kinds[context]}, allowed are contexts of "
                f"kind number and {VOCABULARY}"
            )


def _kinds(config: Config) -> dict[str, str]:
    return {context["name"]: context["kind"] for context in config["contexts"]}


def _without_fourier(config: Config, name: str) -> Iterator[str]:
    probes = [entry["name"] for entry in config["probes"]]
    if "fourier" not in probes:
        yield f"experiments['{name}']: needs the probe fourier, the probes are {', '.join(probes)}: add it"


def _missing_experiments(config: Config, name: str, needed: Sequence[str]) -> Iterator[str]:
    known = [entry["name"] for entry in config["experiments"]]
    missing = [other for other in needed if other not in known]
    if missing:
        yield f"experiments['{name}']: needs the results of {' and '.join(missing)}: add it to the experiments"
