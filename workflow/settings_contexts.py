"""Settings of contexts: the keys of an entry of `contexts`, for each kind."""

from typing import Annotated, Literal

from pydantic import Field
from settings_types import Name

from numprobe.experiments.declare import Settings
from numprobe.experiments.settings import ONCE

_Range = Annotated[
    list[Annotated[int, Field(ge=0)]],
    Field(min_length=2, max_length=2, description="First and last number, both included."),
]


class ContextEntry(Settings):
    """Keys of every entry of `contexts`."""

    name: Name
    kind: Literal["number", "operand", "result", "natural"] = Field(
        description="What the prompts look like and where the number is read.",
    )


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
    operations: Annotated[list[Literal["+", "-", "*", "/"]], Field(min_length=1, json_schema_extra=ONCE)] = Field(
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
