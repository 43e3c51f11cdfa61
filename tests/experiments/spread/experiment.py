"""How far the states of numbers lie from their mean: an experiment that a test adds to the workflow."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings, Study


class SpreadSettings(Settings):
    """Settings of `spread`."""

    contexts: list[str] = Field(["result"], min_length=1, description="Contexts in which the spread is measured.")


def _runs(study: Study, experiment: str) -> places.Places:
    """The models and their first untrained controls, in the contexts of the experiment."""
    wanted = study.experiment(experiment)["contexts"]
    return [run for run in study.runs(experiment) if run[1] in wanted]


def _tables(at: Place) -> list[str]:
    return [f"results/tables/spread/{run}/{context}.parquet" for run, context in _runs(at.study, at.experiment)]


EXPERIMENT = Experiment(
    title="Spread of the states",
    about="distance of the states of numbers from their mean",
    group="representation",
    settings=SpreadSettings,
    needs=[needs.named_contexts()],
    jobs=[
        Job(
            "measure_spread",
            places=_runs,
            inputs={"states": inputs.states},
            outputs={"table": "results/tables/spread/{model}/{context}.parquet"},
        ),
        Job(
            "rank_spread",
            places=places.whole_study,
            inputs={"tables": _tables},
            outputs={"table": "results/tables/spread_ranks/all.parquet"},
        ),
    ],
    tables={"spread": ["measure_spread"], "spread_ranks": ["rank_spread"]},
    figures=[Figure("spread", tables=["spread"])],
)
