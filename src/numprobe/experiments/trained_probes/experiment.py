"""Probes that are trained by gradient descent, beside the leading closed-form probe of the same states.

The experiment takes the training of the study's iterative probes out of `accuracy`, of which they are part without it.
"""

from numprobe.experiments import inputs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Place, Settings, Study


def _runs(study: Study, name: str) -> places.Places:
    return [run for run in study.runs(name) if study.iterative_entries(*run)]


def _probes(at: Place) -> list[str]:
    leading = f"results/probes/{at.run}/{at.context}/{at.study.leading_probe}.safetensors"
    return [leading, *at.study.iterative_files(at.run, at.context)]


EXPERIMENT = Experiment(
    title="Accuracy per layer",
    about="the probes that are trained by gradient descent, beside the leading closed-form probe",
    group="representation",
    settings=Settings,
    needs=[
        Need(
            what="a probe that is trained by gradient descent, in one of its contexts",
            is_met=lambda study, name: bool(_runs(study, name)),
        )
    ],
    jobs=[
        Job(
            "evaluate_trained_probes",
            places=_runs,
            inputs={"states": inputs.states, "probes": _probes, "card": inputs.card},
            outputs={
                "table": "results/tables/trained_probes/{model}/{context}.parquet",
                "predictions": "results/predictions/{model}/{context}.trained_probes.parquet",
            },
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            minutes=60,
        )
    ],
    tables={"trained_probes": ["evaluate_trained_probes"]},
    figures=[Figure("trained_probes", tables=["trained_probes"], values={"candidates": inputs.candidates})],
    takes_iterative=True,
    reserved_endings=[".trained_probes"],
)
