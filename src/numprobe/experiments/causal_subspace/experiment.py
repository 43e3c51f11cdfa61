"""The subspace that the model uses, found by distributed alignment search (DAS), beside that of the probe."""

from typing import Annotated, Literal

from pydantic import Field

from numprobe.experiments import inputs, needs, places
from numprobe.experiments.declare import Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import MiddleOrLayers

SUBSPACES = "results/subspaces/{model}/{context}.safetensors"


class CausalSubspaceSettings(Settings):
    """Settings of `causal_subspace`."""

    operations: list[Literal["+", "-", "*", "/"]] = Field(
        ["+", "-"],
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="Operations of the prompts whose second operands are interchanged (of a context that gives the "
        "first a wider range, the first), in symbols; of these the ones that the context of kind `result` has. Ranges "
        "of operands, worked examples and the chat template are the context's.",
    )
    target: Literal["result", "answer"] = Field(
        "result",
        description="What interchange is to lead to: the true `result` of the base's first and the source's second "
        "operand, or the `answer` that the model itself gives to these operands, right or wrong: for models that err "
        "often.",
    )
    layers: MiddleOrLayers | None = Field(
        None,
        description="Layers at which a basis is trained: 0 (what enters block 1), 1, ..., and `middle`. Those that a "
        "model does not have, and what leaves its last block, are left out. Without this key layer 0 and the deepest "
        "at which the whole state of the operand still carries it to the answer (at least layer 1).",
    )
    more_layers: list[Annotated[int, Field(ge=0)]] = Field(
        [],
        json_schema_extra={"uniqueItems": True},
        description="Layers beside `layers` at which no basis is trained, but the subspaces that need no training are "
        "interchanged. Without the key `layers` these are all layers anyway.",
    )
    rank: int | None = Field(
        None,
        ge=1,
        description="Directions of a basis. If left out, as many as a probe of the layer needs to read validation "
        "numbers within one point of its full read-out, at most a quarter of the width.",
    )
    seeds: int = Field(3, ge=1, description="Random starts of each basis.")
    pairs: int = Field(4000, ge=10, description="Pairs of prompts that a basis is trained on.")
    test_pairs: int = Field(600, ge=10, description="Pairs that test; half as many others choose the number of steps.")
    steps: int = Field(200, ge=1, description="Updates of each basis.")
    batch: int = Field(64, ge=1, description="Pairs in each update.")
    random: int = Field(5, ge=1, description="Random subspaces of the same rank.")


def _layers(at: Place) -> list[str]:
    """Return the layers at which bases are trained, or from which they are chosen: those that later tokens read."""
    blocks = map(str, range(at.study.models[at.run].facts.layers))
    wanted = inputs.operand_layers(at)
    return [layer for layer in blocks if layer in wanted]


def _chosen(at: Place) -> bool:
    """Return whether the first and the deepest layer that carries the operand are chosen among these."""
    return at.setting("layers") is None


def _more_layers(at: Place) -> list[str]:
    """Return the layers at which no basis is trained, but the other subspaces are interchanged."""
    blocks = [str(block) for block in range(at.study.models[at.run].facts.layers)]
    wanted = [str(layer) for layer in at.setting("more_layers")]
    return [layer for layer in blocks if layer in wanted and layer in at.study.models[at.run].layers]


def _pair_problems(study: Study, name: str) -> list[str]:
    # Imports numpy and polars, which other studies need not wait for.
    from numprobe.experiments.causal_subspace.drawable import pair_problems

    return list(dict.fromkeys(pair_problems(study, name)))


LEARN = Job(
    "learn_subspaces",
    places=places.operands,
    inputs={
        "model": inputs.model_files,
        "prompts": inputs.prompts,
        "probe": inputs.operand_probe,
        "split": inputs.split,
    },
    outputs={"subspaces": SUBSPACES},
    settings=["operations", "target", "rank", "seeds", "pairs", "test_pairs", "steps", "batch"],
    values={
        "asking": inputs.asking,
        "layers": _layers,
        "chosen": _chosen,
        "more_layers": _more_layers,
        "operand": inputs.operand,
    },
    module="learn",
    gpu=True,
)

EXPERIMENT = Experiment(
    title="Causal subspace",
    about="the subspace that the model uses",
    group="manipulation",
    settings=CausalSubspaceSettings,
    needs=[needs.fourier_probe(), needs.operands(), Need(study_problems=_pair_problems)],
    jobs=[
        LEARN,
        Job(
            "evaluate_causal_subspace",
            places=places.operands,
            inputs={
                "model": inputs.model_files,
                "subspaces": lambda at: SUBSPACES.format(model=at.run, context=at.context),
                "probe": inputs.operand_probe,
                "patterns": inputs.operand_patterns,
                "split": inputs.split,
            },
            outputs={"table": "results/tables/causal_subspace/{model}/{context}.parquet"},
            settings=["random"],
            values={
                "asking": inputs.asking,
                "seed": inputs.seed,
            },
            gpu=True,
        ),
    ],
    tables={"causal_subspace": ["evaluate_causal_subspace"]},
    by_model=list(CausalSubspaceSettings.model_fields),
    figures=[
        Figure("causal_subspace", tables=["causal_subspace"]),
        Figure("causal_subspace_angles", tables=["causal_subspace"]),
    ],
    keeps=lambda study, name: LEARN.files(study, name, "subspaces"),
)
