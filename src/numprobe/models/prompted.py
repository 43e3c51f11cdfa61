"""Adapt a prompt table, which is the same for all models, to one model's tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from numprobe.models.chat import chat_template
from numprobe.prompts.examples import Example, examples_in, numbers_written
from numprobe.prompts.filling import fill_template

#: Reason for leaving out a row whose number occurs in a worked example.
EXAMPLE = "example"


@dataclass(frozen=True, eq=False)
class ModelPrompts:
    """Prompts for one model.

    Attributes
    ----------
    table
        A prompt table (docs/files.md), in the model's chat template where the context asks for it.
    examples
        The worked examples in front of every prompt.
    dropped
        How many rows were left out, by reason; empty without examples.
    """

    table: pl.DataFrame
    examples: tuple[Example, ...]
    dropped: dict[str, int]


def model_prompts(table: pl.DataFrame, metadata: Mapping[str, Any], tokenizer: Any) -> ModelPrompts:
    """Leave out the numbers of worked examples, and apply the model's chat template if the prompts are chats.

    Parameters
    ----------
    table
        A prompt table.
    metadata
        Metadata of its file, with the examples, and in `context` whether the prompts are chats.
    tokenizer
        The model's tokenizer.

    Raises
    ------
    NumprobeError
        If the prompts are chats and the model has no chat template.
    """
    examples = tuple(examples_in(metadata))
    kept = table.filter(~pl.col("number").is_in(sorted(numbers_written(examples)))) if examples else table
    dropped = {EXAMPLE: table.height - kept.height} if examples else {}
    chat = metadata.get("context", {}).get("chat", False)
    return ModelPrompts(chat_prompts(kept, tokenizer, examples) if chat else kept, examples, dropped)


def chat_prompts(prompts: pl.DataFrame, tokenizer: Any, examples: tuple[Example, ...] = ()) -> pl.DataFrame:
    """Write arithmetic prompts in a model's chat template, with their spans and templates.

    Parameters
    ----------
    prompts
        A prompt table of a context of kind result.
    tokenizer, examples
        As `numprobe.models.chat.chat_template`.
    """
    templates = {name: chat_template(tokenizer, name, examples) for name in prompts["template"].unique()}
    texts, starts, ends = [], [], []
    for template, a, b, c in prompts.select("template", "a", "b", "number").iter_rows():
        text, spans = fill_template(templates[template], {"a": a, "b": b, "c": c})
        texts.append(text)
        starts.append(spans["c"][0])
        ends.append(spans["c"][1])
    return prompts.with_columns(
        pl.Series("text", texts, dtype=pl.String),
        pl.Series("start", starts, dtype=pl.UInt32),
        pl.Series("end", ends, dtype=pl.UInt32),
        pl.col("template").replace_strict(templates, return_dtype=pl.String),
    )
