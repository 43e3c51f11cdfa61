"""Settings of a study: the keys of a configuration, each with its type, default and description.

`config_schema.py` makes the JSON Schema of configurations from them and from the settings of the experiments
(src/numprobe/experiments/*/experiment.py). Read by the workflow process only.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from numprobe.experiments.declare import Settings

_UNIQUE = {"uniqueItems": True}
#: A mapping without keys is filled with the defaults of its keys.
_FILLED = {"default": {}}

Control = Literal["shuffled", "gaussian", "untrained", "mixed"]
Names = Annotated[list[str], Field(min_length=1, json_schema_extra=_UNIQUE)]
#: The same pattern as `numprobe.names.NAME`, without a line end behind it.
Name = Annotated[
    str,
    Field(
        description="Unique name, used in file names, tables and figures (at most 80 letters, digits, `.`, `_`, `-`).",
        # Not a `pattern` of pydantic, whose regular expressions know no look-ahead.
        json_schema_extra={"pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$(?!\n)"},
    ),
]
Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]+)?)$")]
Mapping = Annotated[dict[str, Any], Field(json_schema_extra={"additionalProperties": True})]


# --- the study --------------------------------------------------------------------------------------------------------


class Numbers(Settings):
    """Range of the numbers that are probed, both ends included."""

    min: int = Field(0, ge=0, description="Smallest number.")
    max: int = Field(999, ge=1, description="Largest number.")
    tokens: Literal["any", "single"] = Field(
        "any",
        description="`any`: numbers of one or several tokens are read, at their last token. `single`: numbers of "
        "several tokens are left out, as in arXiv 2510.26285.",
    )
    fewest_single: int = Field(
        50,
        ge=1,
        description="Experiments on the rows of the embedding matrix (`vocabulary`) leave out a model of which fewer "
        "numbers than this are single tokens, and say so in their tables and figures. At least two a fold are "
        "needed, and all of a range that holds fewer.",
    )


class Split(Settings):
    """Division of the number values. A probe is only judged on values that it has not seen."""

    scheme: Literal["folds", "paper"] = Field(
        "folds",
        description="`folds`: cross-validation over values. `paper`: the one fixed split of arXiv 2510.26285 (888 "
        "training, 57 validation, 55 test values of 0..999).",
    )
    folds: int = Field(10, ge=2, le=100, description="Number of folds (scheme `folds`).")
    inner: int = Field(
        3,
        ge=2,
        le=20,
        description="Number of groups of training values that choose hyper-parameters inside a fold.",
    )


class Activations(Settings):
    """Extraction and storage of hidden states."""

    dtype: Literal["float32", "float16", "bfloat16"] = Field(
        "float32",
        description="Type on disk. A value that does not fit stops the run: float16 ends at 65504, which models such "
        "as Gemma exceed; bfloat16 takes as little room, has the range of float32, and keeps 8 significant bits "
        "instead of 11.",
    )
    batch_tokens: int = Field(
        16384,
        ge=1,
        description="Largest number of tokens in a batch. Results do not depend on it beyond float32 rounding.",
    )
    share_prefixes: Literal["auto", "never"] = Field(
        "auto",
        description="`auto`: prefixes shared by texts of one length are computed once, where that saves a fifth of "
        "the tokens, the model is causal and its attention windows hold the text. docs/models.md lists the model "
        "types that read whole texts; for a type that is not listed, `describe_model` compares both ways and notes "
        "the choice in the card. Results do not depend on it beyond rounding.",
    )
    keep: bool = Field(
        True,
        description="Keep the stored states. With `false` they are removed once every rule that reads them has run.",
    )


class Fitting(Settings):
    """Fitting of probes."""

    device: Device = Field(
        "cpu",
        description="Where the probes of a model in a context are fitted: `cpu`, `auto` (a GPU if there is one), "
        "`cuda`, `cuda:N`. A GPU pays for wide states. Results do not depend on it beyond rounding. Probes that "
        "experiments fit for themselves are fitted on the CPU.",
    )


class Intervals(Settings):
    """The 95 % intervals."""

    resamples: int = Field(1000, ge=100, le=100000, description="Bootstrap resamples (of number values).")


class Figures(Settings):
    """The figures."""

    formats: Annotated[list[Literal["pdf", "png", "svg"]], Field(min_length=1, json_schema_extra=_UNIQUE)] = Field(
        ["pdf", "png"], description="File formats. The report shows `png`, which is always written."
    )


class StudySettings(Settings):
    """All keys of a configuration but the lists of entries, which `config_schema.py` adds."""

    seed: int = Field(
        0,
        ge=0,
        description="Seed of the whole study. Every random choice is derived from it and from the name of what is "
        "drawn.",
    )
    numbers: Numbers = Field(
        default_factory=Numbers,
        description="Range of the numbers that are probed, both ends included.",
        json_schema_extra=_FILLED,
    )
    split: Split = Field(
        default_factory=Split,
        description="How the number values are divided. A probe is only judged on values that it has not seen.",
        json_schema_extra=_FILLED,
    )
    controls: Annotated[list[Control], Field(json_schema_extra=_UNIQUE)] = Field(
        ["shuffled", "gaussian", "untrained", "mixed"],
        description="Controls for the closed-form probes: `shuffled` permutes the values, `gaussian` replaces states "
        "by one random vector per value, `untrained` reads the same architecture with random weights, `mixed` reads "
        "the embeddings of the number's last token and of the three before it, each turned by a fixed random "
        "rotation and added up, without any network. (`constant`, the most frequent answer, costs nothing and is "
        "always reported.)",
    )
    activations: Activations = Field(
        default_factory=Activations,
        description="How hidden states are extracted and stored.",
        json_schema_extra=_FILLED,
    )
    fitting: Fitting = Field(default_factory=Fitting, description="How probes are fitted.", json_schema_extra=_FILLED)
    intervals: Intervals = Field(
        default_factory=Intervals, description="The 95 % intervals.", json_schema_extra=_FILLED
    )
    figures: Figures = Field(default_factory=Figures, description="The figures.", json_schema_extra=_FILLED)


# --- models -----------------------------------------------------------------------------------------------------------


class Training(Settings):
    """Specification of a small model."""

    architecture: Literal["llama", "olmo2", "phi3"] = Field(
        description="Hugging Face architecture. Llama and Phi-3 tie their embeddings, OLMo 2 does not.",
    )
    steps: int = Field(600, ge=1, description="Optimiser steps.")
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Field(json_schema_extra=_UNIQUE)] = Field(
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


_DEVICE = "Device of the forward pass: `auto` (a GPU if there is one; the default), `cpu`, `cuda`, `cuda:N`."


class ModelSettings(Settings):
    """Keys of every model."""

    states: Annotated[list[int | str], Field(min_length=1, json_schema_extra=_UNIQUE)] | None = Field(
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
    controls: Annotated[list[Control], Field(json_schema_extra=_UNIQUE)] | None = Field(
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


# --- contexts ---------------------------------------------------------------------------------------------------------

_Range = Annotated[
    list[Annotated[int, Field(ge=0)]],
    Field(min_length=2, max_length=2, description="First and last number, both included."),
]


class ContextSettings(Settings):
    """Keys of every context."""

    seed: int | None = Field(None, ge=0, description="Seed of this context's prompts. The study's seed, if left out.")


class NumberContext(ContextSettings):
    """`kind: number` - the bare number."""


class OperandContext(ContextSettings):
    """`kind: operand` - `a + b`, read at the token of b."""

    per_value: int = Field(8, ge=1, description="Prompts for each number.")


class Operands(Settings):
    """Ranges of the operands."""

    a: _Range | None = Field(None)
    b: _Range | None = Field(None)


class ResultContext(ContextSettings):
    """`kind: result` - arithmetic, read at the last token before the answer (causal models only)."""

    per_value: int = Field(2, ge=1, description="Prompts for each number and operation.")
    operations: Annotated[list[Literal["+", "-", "*", "/"]], Field(min_length=1, json_schema_extra=_UNIQUE)] = Field(
        ["+", "-", "*", "/"], description="The operations; `/` is integer division."
    )
    operands: Operands | None = Field(
        None,
        description="Ranges of the operands, such as `{a: [0, 999], b: [0, 9]}`. An operand without one is drawn "
        "from all numbers.",
    )
    shots: int = Field(
        0,
        ge=0,
        le=100,
        description="Worked examples in front of every prompt, the same for all. Numbers that are written in an "
        "example are left out of the values of this context.",
    )
    chat: bool = Field(
        False,
        description="Whether a prompt is a message in the model's chat template, and each worked example an exchange "
        "before it. The models need a chat template.",
    )


class Dataset(Settings):
    """An entry of `datasets` - texts of the Hugging Face hub (needs `pip install datasets`) or of a file."""

    id: str | None = Field(None, description="Id of a dataset on the hub.")
    config: str | None = Field(None, description="Its configuration, where it has several.")
    split: str = Field(
        "train", description="Its split. `test_share` decides which texts train and which test, not the split."
    )
    revision: str | None = Field(
        None, description="Branch, tag or commit of the dataset. Name a commit to make the study repeatable."
    )
    text: str | None = Field(
        None, description="How a row is written as a text, with the names of its columns in braces: `{question}`."
    )
    path: str | None = Field(None, description="Instead of `id`, a file as in `corpus`.")
    domain: str | None = Field(
        None,
        description="What the texts are about, as tables and figures name it. The name of the source, if left out.",
    )


class NaturalContext(ContextSettings):
    """`kind: natural` - passages of running text, every number a probe site."""

    texts: int = Field(3000, ge=1, description="Texts in all; passages are repeated with other numbers.")
    corpus: str | None = Field(
        None,
        description="Your own passages (.txt, .jsonl or .parquet) in place of the built-in ones. Every plain whole "
        "number is replaced by a number of the range.",
    )
    datasets: Annotated[list[Dataset], Field(min_length=1)] | None = Field(
        None,
        description="Datasets and files, in place of `corpus`: `texts` of their texts are drawn uniformly over all "
        "of them together.",
    )
    test_share: float = Field(
        0.3,
        gt=0,
        lt=1,
        description="Share of the passages of your corpus or datasets that is held out for testing.",
    )


#: Kinds of contexts in the order of the documentation.
CONTEXTS: dict[str, type[Settings]] = {
    "number": NumberContext,
    "operand": OperandContext,
    "result": ResultContext,
    "natural": NaturalContext,
}


# --- probes -----------------------------------------------------------------------------------------------------------


class ClosedFormProbe(Settings):
    """`fourier`, `digits`, `circular`, `helix`, `binary`, `linear`, `log` - fitted in closed form, for every model and
    context."""


class IterativeProbe(Settings):
    """`sinusoidal`, `wave`, `mlp` - fitted by gradient descent."""

    models: Names | None = Field(None, description="Names of the models on which it is fitted. All, if left out.")
    contexts: Names | None = Field(
        None,
        description="Names of the contexts in which it is fitted (`vocabulary` = the embedding matrices). All, if "
        "left out.",
    )
    folds: int = Field(1, ge=1, description="How many of the folds are fitted (each is a training run).")
    shuffled: bool = Field(True, description="Fit the shuffled control too.")
    published: bool = Field(
        False,
        description="The settings of arXiv 2510.26285, without standardised inputs and with its optimiser and step "
        "count (`sinusoidal` and `wave`).",
    )
    steps: int | None = Field(
        None, ge=1, description="Gradient steps of the iterative probes. Those of their settings, if left out."
    )


CLOSED_FORM = ("fourier", "digits", "circular", "helix", "binary", "linear", "log")


class ModelEntry(Settings):
    """Keys of every entry of `models`."""

    name: Name
    source: Literal["train", "package", "path", "gguf", "hub"] = Field(description="Where the model comes from.")


class ContextEntry(Settings):
    """Keys of every entry of `contexts`."""

    name: Name
    kind: Literal["number", "operand", "result", "natural"] = Field(
        description="What the prompts look like and where the number is read.",
    )


class ProbeEntry(Settings):
    """Keys of every entry of `probes`."""

    name: Literal["fourier", "digits", "circular", "helix", "binary", "linear", "log", "sinusoidal", "wave", "mlp"] = (
        Field(description="Kind of probe (docs/probes.md).")
    )
