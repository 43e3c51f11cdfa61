"""Probes of one layer on another, and probes fitted on all layers but the one that they read."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Place, Settings


class CrossLayerSettings(Settings):
    """Settings of `cross_layer`."""

    per_value: int = Field(
        2,
        ge=1,
        description="Test rows of each number for the pairs of layers, at most. Leaving one layer out tests all rows.",
    )


def _left_out(at: Place) -> bool:
    """Return whether one layer is left out, too: only where a number is read at its own token."""
    return at.context in at.study.own_token_contexts(at.run)


EXPERIMENT = Experiment(
    title="Across layers",
    about="probes of one layer on another, and leave-one-layer-out",
    group="representation",
    settings=CrossLayerSettings,
    needs=[needs.fourier_probe(), needs.prompts()],
    jobs=[
        Job(
            "evaluate_cross_layer",
            places=places.prompts,
            inputs={"states": inputs.states, "probes": inputs.fourier_probes, "split": inputs.split},
            outputs={"table": "results/tables/cross_layer/{model}/{context}.parquet"},
            settings=["per_value"],
            values={
                "left_out": _left_out,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
            memory=6000,
            minutes=120,
        )
    ],
    tables={"cross_layer": ["evaluate_cross_layer"]},
    figures=[Figure("cross_layer", tables=["cross_layer"]), Figure("left_out_layers", tables=["cross_layer"])],
)
