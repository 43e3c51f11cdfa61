"""Settings of models: the keys of an entry of `models`, for each source."""

from typing import Annotated, Any, Literal

from pydantic import Field
from settings_types import Control, Device, Name

from numprobe.experiments.declare import Settings
from numprobe.experiments.settings import ONCE, Names

Mapping = Annotated[dict[str, Any], Field(json_schema_extra={"additionalProperties": True})]
_DEVICE = "Device of the forward pass: `auto` (a GPU if there is one; the default), `cpu`, `cuda`, `cuda:N`."


class ModelEntry(Settings):
    """Keys of every entry of `models`."""

    name: Name
    source: Literal["train", "package", "path", "gguf", "hub"] = Field(description="Where the model comes from.")


class Training(Settings):
    """Specification of a small model."""

    architecture: Literal["llama", "olmo2", "phi3"] = Field(
        description="Hugging Face architecture. Llama and Phi-3 tie their embeddings, OLMo 2 does not.",
    )
    steps: int = Field(600, ge=1, description="Optimiser steps.")
    seeds: int | None = Field(
        None,
        ge=1,
        le=20,
        description="How often the model is trained, each time with other initial weights and another order of the "
        "data; 1, if left out. The first training is the model itself and the only one with checkpoints and controls. "
        "Experiments of the group `variance` measure the others too (`{name}.seed2`, ...), all others the first alone.",
    )
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Field(json_schema_extra=ONCE)] = Field(
        [],
        description="Steps at which the model is saved besides the end, for entries with `of` and `revision: step-N`.",
    )
    hidden_size: int = Field(128, ge=8, description="Width of the residual stream.")
    n_layers: int = Field(4, ge=1, description="Number of blocks.")
    heads: int = Field(4, ge=1, description="Attention heads; twice their number must divide `hidden_size`.")
    mlp_size: int = Field(352, ge=8, description="Width of the MLP.")
    batch_scale: float = Field(1.0, gt=0, le=16, description="Factor on the number of rows in a step.")
    dtype: Literal["auto", "bfloat16", "float32"] = Field(
        "auto",
        description="Type of the matrix products in training. `auto`: bfloat16 on CPUs with instructions for it, "
        "float32 on others.",
    )


class Resources(Settings):
    """Requirements of the jobs of a model, for the scheduler."""

    mem_mb: int | None = Field(
        None,
        ge=500,
        description="Main memory in MB. Enough for the weights, unless they are loaded straight to a GPU; probes "
        "that are trained by gradient descent take as many layers at a time as fit. A job that runs out is retried "
        "with four times as much.",
    )
    runtime: int | None = Field(None, ge=1, description="Minutes.")
    gpus: int | None = Field(
        None, ge=0, description="GPUs of the jobs that run the model. 1, if left out, where `device` is `cuda`."
    )


class ModelSettings(Settings):
    """Keys of every model."""

    states: Annotated[list[int | str], Field(min_length=1, json_schema_extra=ONCE)] | None = Field(
        None,
        description="Which states to extract: block numbers (0 = what enters block 1) and `final_norm`. All, if left "
        "out.",
    )
    contexts: Names | None = Field(
        None, description="Names of the contexts in which this model is studied. All, if left out."
    )
    experiments: Names | None = Field(
        None, description="Names of the experiments in which this model takes part. All, if left out."
    )
    sizes: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        None,
        description="Own sizes of contexts for this model, by the context's name: `per_value` of contexts of the "
        "kinds `operand` and `result`, `texts` of contexts of the kind `natural`. Those of the contexts, if left "
        "out.",
    )
    controls: Annotated[list[Control], Field(json_schema_extra=ONCE)] | None = Field(
        None,
        description="Those of the study's `controls` that this model has. All, if left out; `[]` for none.",
    )
    untrained_seeds: int = Field(
        1,
        ge=1,
        le=10,
        description="How many untrained controls the model has, each with random weights of its own. Accuracy and "
        "transfer are measured on all of them, other experiments take the first.",
    )
    device: Device | None = Field(None, description=_DEVICE)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "float32",
        description="Type of the weights in the forward pass. `auto` takes the type of the stored weights.",
    )


class TrainedModel(ModelSettings):
    """`source: train` - a small model that the workflow trains."""

    train: Training | None = Field(None, description="Specification of a small model.")
    of: str | None = Field(
        None,
        description="Instead of `train`, the name of another trained model, of which `revision` is a saved checkpoint.",
    )
    revision: str | None = Field(
        None, pattern=r"^step-[0-9]+$", description="The checkpoint of the model named by `of`: `step-N`."
    )
    device: Device = Field("auto", description=_DEVICE)


class LoadedModel(ModelSettings):
    """Keys of every model that is not trained here."""

    device_map: str | Mapping | None = Field(
        None,
        description="Spreads a model that exceeds one device over several, by accelerate, in place of `device`: "
        "`auto`, `balanced`, `sequential`, or a mapping from parts of the model to `cuda:N`, `cpu` or `disk`.",
    )
    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="Largest number of tokens in a batch, for this model. As in `activations`, if left out.",
    )
    resources: Resources | None = Field(
        None,
        description="What jobs of this model need, for the scheduler. Left out, the rules' own defaults hold.",
    )
    prefix_token: str | None = Field(
        None,
        description="Token to put in front of every text. Needed only if the tokenizer adds none by itself and has "
        "neither a bos nor an eos token, because a number at position 0 is an attention sink.",
    )
    single_tokens: int | None = Field(
        None,
        ge=0,
        description="How many of the study's numbers are single tokens. Read from the files, if left out; for a "
        "model of the hub (where `numprobe add-model` prints it) enough are assumed.",
    )


class PackageModel(LoadedModel):
    """`source: package` - a folder or a GGUF file inside an installed Python package, which is never imported."""

    package: str = Field(description="Import name of the package.")
    folder: str | None = Field(None, description="Folder of the model inside the package.")
    file: str | None = Field(
        None,
        description="Instead of `folder`, a GGUF file inside the package, which is converted as with `source: gguf`.",
    )


class RemoteCode(LoadedModel):
    """Keys of models that may come with Python code of their own."""

    trust_remote_code: bool = Field(
        False, description="Run Python code that comes with the model. Only for models that you trust."
    )


class PathModel(RemoteCode):
    """`source: path` - a local folder in Hugging Face format."""

    path: str = Field(description="The folder, absolute or relative to where Snakemake runs.")


class GgufModel(LoadedModel):
    """`source: gguf` - a GGUF file, which the workflow converts once to an ordinary folder."""

    path: str = Field(
        description="The file, absolute or relative to where Snakemake runs. Its weights are dequantised to float32, "
        "in `results/models/{name}`. Architectures: llama (Llama, Mistral, SmolLM), qwen2 and qwen3.",
    )


class HubModel(RemoteCode):
    """`source: hub` - a model of the Hugging Face hub (`numprobe add-model ID` prints the entry)."""

    id: str = Field(description="Identifier on the hub, such as `meta-llama/Llama-3.2-1B`.")
    revision: str = Field(
        "main",
        description="Branch, tag or commit. Name a commit to make the study repeatable; the resolved one is recorded.",
    )
    n_layers: int = Field(ge=1, description="Number of blocks, checked against the model when it is loaded.")
    width: int | None = Field(
        None,
        ge=1,
        description="Components of its states, from which the size of a study is estimated before it runs; checked "
        "like `n_layers`.",
    )
    encoder: bool = Field(False, description="Whether the model is an encoder (no next-token prediction).")
    tied: bool = Field(
        True,
        description="Whether the output matrix is the input matrix. Untied models are probed at `unembedding` too.",
    )
    final_norm: bool = Field(True, description="Whether a norm follows the last block.")


#: Sources in the order of the documentation.
MODELS: dict[str, type[Settings]] = {
    "train": TrainedModel,
    "package": PackageModel,
    "path": PathModel,
    "gguf": GgufModel,
    "hub": HubModel,
}
