"""Ablation: remove or interchange directions of operands' states, and measure the answers and a refitted probe."""

from typing import Annotated

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.changed_states import operand_job
from numprobe.experiments.declare import Experiment, Figure, Job, Settings, Study
from numprobe.experiments.settings import MiddleOrLayers, Operand, OperandPrompts


class AblationSettings(Settings):
    """Settings of `ablation`."""

    operand: Operand = "b"
    layers: MiddleOrLayers = Field(
        [0, 1, "middle"],
        description="States that are changed, one at a time: 0 (what enters block 1), 1, ..., and `middle`, what "
        "leaves the middle block. Those that a model does not have are left out; no later token reads what leaves the "
        "last block.",
    )
    ranks: list[Annotated[int, Field(ge=1)]] = Field(
        [1, 2, 4, 8, 16, 32, 64],
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="How many directions are taken away; those that a subspace does not have are left out.",
    )
    draws: int = Field(3, ge=1, le=20, description="Random subspaces of every rank.")
    folds: int = Field(3, ge=1, description="Folds in which a probe is fitted again on what is left of the states.")
    prompts: OperandPrompts = 200
    interchange_ranks: list[Annotated[int, Field(ge=1)]] | None = Field(
        None,
        json_schema_extra={"uniqueItems": True},
        description="Those of `ranks` at which a component is interchanged with another prompt's, and at which all but "
        "the directions is taken away. Without this key every second one, down from the largest.",
    )
    pairs: int = Field(
        200, ge=2, description="Pairs of prompts whose operands are interchanged; those count that are answered right."
    )


def _operand_contexts(study: Study, experiment: str) -> list[tuple[str, str]]:
    """Return the models, each with the context in which it reads operands."""
    runs = study.operand_runs(experiment)
    return list(dict.fromkeys((model, study.operand_context(model)) for model, _ in runs))


EXPERIMENT = Experiment(
    title="Ablation",
    about="the probe's subspace removed and interchanged",
    group="manipulation",
    settings=AblationSettings,
    needs=[needs.fourier_probe(), needs.operands()],
    jobs=[
        operand_job(
            "ablate_operands",
            "ablation",
            ["ranks", "draws", "prompts", "interchange_ranks", "pairs"],
            more={"split": inputs.split},
        ),
        Job(
            "refit_ablated",
            places=_operand_contexts,
            inputs={
                "states": inputs.states,
                "patterns": inputs.patterns,
                "probe": inputs.operand_probe,
                "split": inputs.split,
            },
            outputs={"table": "results/tables/ablated_probe/{model}/{context}.parquet"},
            settings=["ranks", "draws", "folds"],
            values={
                "layers": inputs.operand_layers,
                "seed": inputs.seed,
            },
            module="ablated_probe",
        ),
    ],
    tables={"ablation": ["ablate_operands"], "ablated_probe": ["refit_ablated"]},
    by_model=["layers", "ranks", "draws", "folds", "prompts", "interchange_ranks", "pairs"],
    figures=[
        Figure("ablation", tables=["ablation"]),
        Figure("ablation_interchange", tables=["ablation"]),
        Figure("ablated_probe", tables=["ablated_probe"], values={"candidates": inputs.candidates}),
    ],
)
