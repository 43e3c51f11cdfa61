"""Agreement of the codes of halves of the numbers, layers, models and training seeds."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings, Study
from numprobe.experiments.settings import Draws, NumberContexts
from numprobe.runs import Run


class ConsistencySettings(Settings):
    """Settings of `consistency`."""

    contexts: NumberContexts = Field([inputs.VOCABULARY, "number"])
    draws: Draws = 3


def _runs(study: Study, name: str) -> list[tuple[str, str]]:
    untrained = [str(Run(model, "untrained")) for model in _with_untrained(study, name)]
    return [*places.named_contexts(study, name), *((run, "") for run in untrained)]


def _with_untrained(study: Study, name: str) -> list[str]:
    return [model for model, _ in places.named_contexts(study, name) if study.reads_untrained(model)]


def _all_models(study: Study, name: str) -> list[tuple[str, str]]:
    return places.whole_study(study, name) if places.named_contexts(study, name) else []


def _kernels(at: Place) -> list[str]:
    return [f"results/kernels/{model}.safetensors" for model, _ in places.named_contexts(at.study, at.experiment)]


def _untrained_kernels(at: Place) -> list[str]:
    models = _with_untrained(at.study, at.experiment)
    return [f"results/kernels/{Run(model, 'untrained')}.safetensors" for model in models]


def _named_models(at: Place) -> list[list[str]]:
    """Return name, training run (that of a checkpoint too) and specification of every model."""
    models = [model for model, _ in places.named_contexts(at.study, at.experiment)]
    runs = [at.study.models[model].entry.get("of", model) for model in models]
    return [[model, run, at.study.specification(model)] for model, run in zip(models, runs, strict=True)]


EXPERIMENT = Experiment(
    title="Consistency",
    about="the codes of different seeds, layers and models compared",
    group="representation",
    settings=ConsistencySettings,
    needs=[needs.number_contexts()],
    jobs=[
        Job(
            "fit_halves",
            places=_runs,
            inputs={"states": inputs.named_states},
            outputs={
                "table": "results/tables/consistency/{model}.parquet",
                "kernels": "results/kernels/{model}.safetensors",
            },
            settings=["draws"],
            values={
                "numbers": inputs.numbers,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            minutes=120,
        ),
        Job(
            "compare_models",
            places=_all_models,
            inputs={"kernels": _kernels, "untrained": _untrained_kernels},
            outputs={"table": "results/tables/consistency_models.parquet"},
            values={
                "models": _named_models,
                "untrained": lambda at: _with_untrained(at.study, at.experiment),
                "numbers": inputs.numbers,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            minutes=120,
        ),
    ],
    tables={"consistency": ["fit_halves", "compare_models"]},
    figures=[
        Figure(name, tables=["consistency"]) for name in ("consistency", "consistency_angles", "consistency_models")
    ],
)
