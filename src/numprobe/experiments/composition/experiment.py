"""Shares of the variance between numbers that sums of digits and pairs of digits explain."""

from collections.abc import Iterator

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.runs import Run

#: Digits of the numbers that are studied, and how many of one length there must be.
LENGTHS = (2, 3, 4)
FEWEST_OF_A_LENGTH = 40


def _models(study: Study, experiment: str) -> places.Places:
    read = dict(study.runs(experiment))
    return [(model, "") for model in study.models_of(experiment) if model in read]


def _runs(at: Place) -> list[tuple[str, str]]:
    """Return all runs of a model, of its first untrained control and of its mixed one."""
    mixed = [(run, context) for run in at.study.mixed_runs(at.run) for context in at.study.run_contexts(run)]
    return [run for run in [*at.study.runs(at.experiment), *mixed] if Run.parse(run[0]).model == at.run]


def _states(at: Place) -> list[str]:
    return [file for run in _runs(at) for file in at.study.states(*run)]


def _controls(at: Place) -> list[str]:
    return [Run.parse(name).control for name, _ in _runs(at)]


def _one_state(at: Place) -> list[str]:
    """Return the contexts in which a state depends on nothing but the number."""
    return [context for context in (inputs.VOCABULARY, *at.study.contexts) if at.study.one_state(context)]


def _length_problems(config: Config, name: str) -> Iterator[str]:
    low, high = config["numbers"]["min"], config["numbers"]["max"]
    counts = [min(high, 10**length - 1) - max(low, 10 ** (length - 1)) + 1 for length in LENGTHS]
    if max(counts) < FEWEST_OF_A_LENGTH:
        yield (
            f"experiments['{name}']: needs {FEWEST_OF_A_LENGTH} numbers of two, three or four digits, "
            f"{low}..{high} has at most {max(0, *counts)} of one length: widen numbers, or leave it out"
        )


EXPERIMENT = Experiment(
    title="Composition of digits",
    about="the state of a number beside its digits added up",
    group="main",
    settings=Settings,
    needs=[needs.any_context(), Need(problems=_length_problems)],
    jobs=[
        Job(
            "evaluate_composition",
            places=_models,
            inputs={"states": _states},
            outputs={"table": "results/tables/composition/{model}.parquet"},
            values={
                "controls": _controls,
                "layers": inputs.layers,
                "one_state": _one_state,
                "numbers": inputs.numbers,
                "seed": inputs.seed,
            },
            memory=2000,
            minutes=60,
        )
    ],
    tables={"composition": ["evaluate_composition"]},
    figures=[Figure("composition", tables=["composition"])],
    summary=["composition"],
)
