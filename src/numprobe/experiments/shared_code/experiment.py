"""One number code for all models: learned on the others, a linear map alone fitted on the target."""

from dataclasses import replace

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import Draws, NumberContexts


class SharedCodeSettings(Settings):
    """Settings of `shared_code`."""

    contexts: NumberContexts = Field([inputs.VOCABULARY, "number"])
    draws: Draws = 3


def _sources(study: Study, name: str, target: str) -> list[str]:
    """Return the models that lend a target their code: no checkpoints, and not the run of which the target is one."""
    unrelated = study.unrelated_models(target)
    return [model for model, _ in places.named_contexts(study, name) if model in unrelated]


def _targets(study: Study, name: str) -> list[tuple[str, str]]:
    return [place for place in places.named_contexts(study, name) if _sources(study, name, place[0])]


def _has_pair(study: Study, name: str) -> bool:
    """Return whether two models are no relatives; matrices without rows for the numbers count."""
    lost = study.without_rows(name) if inputs.VOCABULARY in study.experiment(name)["contexts"] else []
    models = {*dict(places.named_contexts(study, name)), *lost}
    return any(models & set(study.unrelated_models(model)) for model in models)


def _without_sources(study: Study, name: str) -> list[str]:
    models = places.named_contexts(study, name)
    return [f"{model}:{inputs.VOCABULARY}:no other model" for model, _ in models if not _sources(study, name, model)]


def _untrained(at: Place) -> list[str]:
    return [file for run in inputs.untrained(at.study, at.run) for file in inputs.named_states(replace(at, run=run))]


def _lent(at: Place) -> list[str]:
    return _sources(at.study, at.experiment, at.run)


EXPERIMENT = Experiment(
    title="One code for all",
    about="one number code for all models",
    group="representation",
    settings=SharedCodeSettings,
    needs=[
        Need(
            what="one of its contexts in two models that are not of one training run",
            is_met=_has_pair,
            skipped=_without_sources,
        ),
        needs.number_contexts(),
    ],
    jobs=[
        Job(
            "learn_codes",
            places=places.named_contexts,
            inputs={"states": inputs.named_states},
            outputs={"evidence": "results/codes/{model}.parquet"},
            settings=["draws"],
            values={"numbers": inputs.numbers, "seed": inputs.seed},
            minutes=60,
        ),
        Job(
            "evaluate_shared_code",
            places=_targets,
            inputs={
                "states": inputs.named_states,
                "untrained": _untrained,
                "evidence": lambda at: [f"results/codes/{model}.parquet" for model in _lent(at)],
                "card": inputs.card,
            },
            outputs={"table": "results/tables/shared_code/{model}.parquet"},
            settings=["draws"],
            values={
                "sources": _lent,
                "numbers": inputs.numbers,
                "seed": inputs.seed,
            },
            minutes=60,
        ),
    ],
    tables={"shared_code": ["evaluate_shared_code"]},
    figures=[
        Figure("shared_code", tables=["shared_code"], values={"candidates": inputs.candidates}),
        Figure("shared_code_sources", tables=["shared_code"]),
    ],
)
