"""The answers of models, beside the truth and what probes read layer by layer."""

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings


def _probes(at: Place) -> list[str]:
    """Return the probe `fourier`, and its control `shuffled` where the study has it."""
    controls = [control for control in at.study.probe_controls(at.run) if control == "shuffled"]
    endings = ["", *(f".{control}" for control in controls)]
    return [f"results/probes/{at.run}/{at.context}/fourier{ending}.safetensors" for ending in endings]


EXPERIMENT = Experiment(
    title="Answers",
    about="the model's answer, the truth and the probe, layer by layer",
    group="manipulation",
    settings=Settings,
    needs=[needs.fourier_probe(), needs.answers()],
    jobs=[
        Job(
            "evaluate_answers",
            places=places.asked,
            inputs={
                "answers": inputs.answers,
                "predictions": lambda at: f"results/predictions/{at.run}/{at.context}.parquet",
                "states": inputs.states,
                "probes": _probes,
                "split": inputs.split,
            },
            outputs={"table": "results/tables/answers/{model}/{context}.parquet"},
            values={"resamples": inputs.resamples, "seed": inputs.seed},
            minutes=120,
        )
    ],
    tables={"answers": ["evaluate_answers"]},
    figures=[Figure("answers", tables=["answers"], values={"candidates": inputs.candidates})],
)
