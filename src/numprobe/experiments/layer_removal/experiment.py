"""Layer removal: leave out the part of a model that validation prompts choose, and measure gain and harm."""

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Settings


class LayerRemovalSettings(Settings):
    """Settings of `layer_removal`."""

    prompts: int = Field(
        1000,
        ge=20,
        description="Prompts of each operation that are asked, at most; they are spread over the results. Half of the "
        "results choose what is removed, the other half are reported.",
    )


EXPERIMENT = Experiment(
    title="Layer removal",
    about="arithmetic without one layer",
    group="manipulation",
    settings=LayerRemovalSettings,
    needs=[needs.answers()],
    jobs=[
        Job(
            "remove_layers",
            places=places.asked,
            inputs={"model": inputs.model_files, "prompts": inputs.prompts},
            outputs={"table": "results/tables/layer_removal/{model}/{context}.parquet"},
            settings=["prompts"],
            values={"asking": inputs.asking, "seed": inputs.seed},
            gpu=True,
        )
    ],
    tables={"layer_removal": ["remove_layers"]},
    by_model=["prompts"],
    figures=[
        Figure("layer_removal", tables=["layer_removal"]),
        Figure("removal_oracle", tables=["layer_removal"]),
    ],
)
