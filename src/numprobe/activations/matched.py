"""Rows of the input and output matrices for control tokens that are no numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.activations.single_batch import write_single_batch
from numprobe.activations.vocabulary import vocabulary_states
from numprobe.models.load import load_tokenizer
from numprobe.models.matched import Vocabulary, choose_matched, read_vocabulary
from numprobe.models.record import identity
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer

#: Columns of the table of matched tokens.
SCHEMA = {"model": pl.String, "other_model": pl.String, "place": pl.UInt32, "text": pl.String, "token_id": pl.UInt32}
CONTEXT = "matched"


def matched_tokens(models: Mapping[str, ModelSource], values: Sequence[int]) -> pl.DataFrame:
    """Return the matched tokens of each pair of models, and of each model with itself.

    Parameters
    ----------
    models
        Name to source, in the order of the study.
    values
        The numbers of the study.

    Returns
    -------
    Columns `model`, `other_model`, `place`, `text`, `token_id` (of `model`). The same texts stand at the same places
    for (a, b) and (b, a), in the order of the vocabulary of the one that comes first.

    Raises
    ------
    NumprobeError
        If a tokenizer cannot be read.
    """
    vocabularies = _vocabularies(models, values)
    chosen: dict[tuple[int, int], list[str]] = {}
    parts = []
    names = list(models)
    for i, first in enumerate(names):
        for second in names[i:]:
            pair = vocabularies[first], vocabularies[second]
            key = id(pair[0]), id(pair[1])
            if key not in chosen:
                chosen[key] = choose_matched(*pair)
            parts.append(_rows(first, second, chosen[key], pair[0]))
            if first != second:
                parts.append(_rows(second, first, chosen[key], pair[1]))
    return pl.concat(parts)


def _vocabularies(models: Mapping[str, ModelSource], values: Sequence[int]) -> dict[str, Vocabulary]:
    """Return the vocabulary of each model; models with equal vocabularies share one object."""
    known: list[Vocabulary] = []
    found = {}
    for name, source in models.items():
        vocabulary = read_vocabulary(NumberTokenizer(load_tokenizer(source), source.prefix_token), values)
        same = next((other for other in known if other == vocabulary), vocabulary)
        known.append(same)
        found[name] = same
    return found


def _rows(model: str, other: str, texts: Sequence[str], vocabulary: Vocabulary) -> pl.DataFrame:
    columns = {
        "model": [model] * len(texts),
        "other_model": [other] * len(texts),
        "place": range(len(texts)),
        "text": texts,
        "token_id": [vocabulary.plain[text] for text in texts],
    }
    return pl.DataFrame(columns, schema=SCHEMA)


def extract_matched(
    model: str,
    source: ModelSource,
    tokens: pl.DataFrame,
    storage_dtype: str,
    output: str | Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write the rows of all matched tokens of a model, in a folder like that of `vocabulary` (docs/files.md).

    Parameters
    ----------
    model
        Name of the model in the study.
    source
        Where it comes from.
    tokens
        Result of `matched_tokens`.
    storage_dtype
        float32, float16 or bfloat16.
    output
        The folder; its position table has the columns `row`, `token_id` and `text`.
    provenance
        Provenance to store in the files.
    """
    own = tokens.filter(pl.col("model") == model).unique("token_id").sort("token_id")
    positions = own.select("token_id", "text").with_row_index("row")
    states = vocabulary_states(source, dict(enumerate(own["token_id"].to_list())))
    details = {
        "model": model,
        "context": CONTEXT,
        **identity(source, load_tokenizer(source)),
        "provenance": dict(provenance),
    }
    write_single_batch(output, states, positions, "text", storage_dtype, details)
