"""Models that are trained several times: what varies with initial weights and the order of the data."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import ONCE
from numprobe.names import unknown_names


class ReplicatesSettings(Settings):
    """Settings of `replicates`."""

    experiments: Annotated[list[str], Field(json_schema_extra=ONCE)] = Field(
        [],
        description="Further experiments in which all trainings take part as models, such as `consistency`: pairs of "
        "them share everything but initial weights and the order of the data.",
    )


def _trained_again(study: Study, name: str) -> list[tuple[str, str]]:
    return [(model, "") for model in study.trained_again(name)]


def _accuracies(at: Place) -> list[str]:
    runs = at.study.runs(at.experiment)
    own = [run for run in runs if run[0] in at.study.trainings(at.run)]
    return [f"results/tables/accuracy/{training}/{context}.parquet" for training, context in own]


def _transfers(at: Place) -> list[str]:
    """Return the tables of transfer, where the study has it."""
    if not at.study.experiment("transfer") or not at.study.contexts_of(at.run):
        return []
    return [f"results/tables/transfer/{training}.parquet" for training in at.study.trainings(at.run)]


def _problems(config: Config, name: str) -> Iterator[str]:
    if not any(entry.get("train", {}).get("seeds", 1) > 1 for entry in config["models"]):
        yield f"experiments['{name}']: no model is trained more than once: write seeds: 5 under the train of a model"
    entry = needs.entry_of(config, name)
    known = [other["name"] for other in config["experiments"]]
    yield from unknown_names(entry["experiments"], known, f"experiments['{name}'].experiments", "experiments")


EXPERIMENT = Experiment(
    title="Replicates",
    about="accuracy and transfer over several trainings of one model",
    group="variance",
    settings=ReplicatesSettings,
    needs=[Need(problems=_problems)],
    jobs=[
        Job(
            "summarise_trainings",
            places=_trained_again,
            inputs={"accuracy": _accuracies, "transfer": _transfers},
            outputs={"table": "results/tables/replicates/{model}.parquet"},
            values={"trainings": lambda at: at.study.trainings(at.run), "seed": inputs.seed},
            minutes=30,
        )
    ],
    tables={"replicates": ["summarise_trainings"]},
    figures=[Figure("replicates", tables=["replicates"], values={"candidates": inputs.candidates})],
    takes_seeds=True,
)
