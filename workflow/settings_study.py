"""Settings of a study: the keys of a configuration but the lists of entries, each with type, default and description.

`config_schema.py` makes the JSON Schema of configurations from them, from those of models, contexts and probes
(`settings_models.py`, ...) and from the settings of the experiments (src/numprobe/experiments/*/experiment.py). Read by
the workflow process only.
"""

from typing import Annotated, Literal

from pydantic import Field
from settings_types import Control, Device

from numprobe.experiments.declare import Settings
from numprobe.experiments.settings import ONCE

#: A mapping without keys is filled with the defaults of its keys.
_FILLED = {"default": {}}


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

    formats: Annotated[list[Literal["pdf", "png", "svg"]], Field(min_length=1, json_schema_extra=ONCE)] = Field(
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
    confirmatory: bool = Field(
        False,
        description="Whether the claims stood before this study ran, on weights or texts that nothing was chosen on. "
        "The pages call their verdicts confirmatory, otherwise exploratory (docs/claims.md).",
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
    controls: Annotated[list[Control], Field(json_schema_extra=ONCE)] = Field(
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
