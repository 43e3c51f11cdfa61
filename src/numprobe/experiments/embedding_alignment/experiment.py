"""Number embeddings moved to the fitted code, and arithmetic measured again."""

from typing import Annotated

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Settings, Study


class EmbeddingAlignmentSettings(Settings):
    """Settings of `embedding_alignment`."""

    strengths: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.1, 0.2, 0.3, 0.5, 1],
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="How far the embedding row of a number moves to where the code says it lies, 1: all the way. One "
        "is chosen on the prompts of half of the results.",
    )
    prompts: int = Field(
        500,
        ge=1,
        description="Prompts of each operation that are asked, at most; every result once before any twice.",
    )


def _with_rows(study: Study, experiment: str) -> list[tuple[str, str]]:
    """Rows can be moved where numbers have rows of their own."""
    models = study.models_of(experiment, inputs.VOCABULARY)
    return [run for run in study.asked_runs(experiment) if run[0] in models]


def _without_rows(study: Study, experiment: str) -> list[str]:
    runs = [run for run in study.asked_runs(experiment) if run not in _with_rows(study, experiment)]
    return [f"{model}:{context}:{study.no_rows(model)}" for model, context in runs]


EXPERIMENT = Experiment(
    title="Embedding alignment",
    about="number embeddings moved to the fitted code",
    group="manipulation",
    settings=EmbeddingAlignmentSettings,
    needs=[needs.fourier_probe(), needs.answers(), Need(skipped=_without_rows)],
    jobs=[
        Job(
            "align_embeddings",
            places=_with_rows,
            inputs={
                "model": inputs.model_files,
                "prompts": inputs.prompts,
                "patterns": lambda at: f"results/patterns/{at.run}/{inputs.VOCABULARY}.safetensors",
                "probe": lambda at: f"results/probes/{at.run}/{inputs.VOCABULARY}/fourier.safetensors",
            },
            outputs={"table": "results/tables/embedding_alignment/{model}/{context}.parquet"},
            settings=["strengths", "prompts"],
            values={"asking": inputs.asking, "seed": inputs.seed},
            gpu=True,
        )
    ],
    tables={"embedding_alignment": ["align_embeddings"]},
    figures=[Figure("embedding_alignment", tables=["embedding_alignment"])],
)
