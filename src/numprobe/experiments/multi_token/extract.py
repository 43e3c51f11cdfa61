"""Hidden states at the last token of numbers of several tokens, and at the token after it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.context import Extraction, Prepared, describe_extraction, load_parts, text_of, write_prepared
from numprobe.activations.locate import Located, cut, in_order, longest_sequence
from numprobe.errors import NumprobeError
from numprobe.experiments.extracting import extraction_of
from numprobe.experiments.given import Given
from numprobe.experiments.multi_token.chunks import Chunks, find_chunks
from numprobe.models.load import load_tokenizer
from numprobe.models.tokens import Encoded, NumberTokenizer
from numprobe.tables import read_table

#: Chunks of more digits have too many candidates; numbers that hold one are left out ("wide").
MOST_DIGITS = 3
REASONS = ("glued", "unknown", "wide", "too_long")
_PLACE: dict[str, Any] = {
    "prompt": pl.UInt32,
    "n_tokens": pl.UInt32,
    "token": pl.UInt32,
    "token_id": pl.UInt32,
    "position": pl.String,
    "chunks": pl.List(pl.Int32),
    "widths": pl.List(pl.UInt8),
}


def extract_chunks(given: Given) -> None:
    """Write the states of a model at its numbers of several tokens."""
    extraction = extraction_of(given, "multi_token")
    write_chunks(extraction, given.file("prompts"), given.outputs["states"], given.provenance)


def locate_chunks(
    prompts: pl.DataFrame, numbers: NumberTokenizer, max_tokens: int | None, causal_span: float = 0
) -> Located:
    """Find the tokens of the number of every prompt, and the places where it is read.

    Parameters
    ----------
    prompts
        A table with the columns `numprobe.experiments.multi_token.numerals.NUMERALS`.
    numbers
        The model's tokenizer.
    max_tokens, causal_span
        As `numprobe.activations.locate.locate_numbers`.

    Returns
    -------
    Located
        Up to two rows per prompt: `position` is "last" (the number's last token) or "next" (the token after it, where
        the text goes on). `chunks` and `widths`: value and digits of each token of the number, leading token first.

    Raises
    ------
    NumprobeError
        If offsets and tokens disagree, or no number can be read.
    """
    dropped: Counter[str] = Counter()
    places: list[tuple[Any, ...]] = []
    encoded = dict(zip(prompts["prompt"], numbers.encode(prompts["text"].to_list()), strict=True))
    for row in prompts.iter_rows(named=True):
        one = encoded[row["prompt"]]
        found = _chunks(row, one, numbers, max_tokens)
        if isinstance(found, str):
            dropped[found] += 1
            continue
        places += _places(row["prompt"], one, found)
    if not places:
        raise NumprobeError(f"no number of the prompts can be read chunk by chunk (left out: {dict(dropped)})")
    fed = cut(pl.DataFrame(places, schema=_PLACE, orient="row"), causal_span)
    kept = fed.select("prompt", "n_tokens").unique(maintain_order=True)
    read = np.concatenate([encoded[prompt].ids[:n_tokens] for prompt, n_tokens in kept.iter_rows()])
    sequences, ids, bounds = in_order(kept, read.astype(np.int32))
    table = fed.join(prompts.drop("text"), on="prompt", how="left")
    table = table.join(sequences, on=["prompt", "n_tokens"], how="left").sort("sequence", "token")
    return Located(
        positions=table.drop("sequence").with_row_index("row").cast({"row": pl.UInt32}),
        sequence=table["sequence"].to_numpy(),
        ids=ids,
        bounds=bounds,
        dropped={reason: dropped[reason] for reason in REASONS},
    )


def _chunks(row: Mapping[str, Any], encoded: Encoded, numbers: NumberTokenizer, max_tokens: int | None) -> Chunks | str:
    if max_tokens is not None and len(encoded) > max_tokens:
        return "too_long"
    found = find_chunks(numbers, row["text"], encoded, row["start"], row["end"])
    return "wide" if isinstance(found, Chunks) and max(found.widths) > MOST_DIGITS else found


def _places(prompt: int, encoded: Encoded, found: Chunks) -> list[tuple[Any, ...]]:
    last = found.tokens[-1]
    # Special tokens at the end (the [SEP] of an encoder) cover no characters.
    follows = last + 1 < len(encoded) and encoded.ends[last + 1] > 0
    reads = [("last", last), *([("next", last + 1)] if follows else [])]
    return [
        (prompt, len(encoded), token, int(encoded.ids[token]), name, list(found.values), list(found.widths))
        for name, token in reads
    ]


def write_chunks(
    extraction: Extraction, prompts: str | Path, output: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Write the activation folder of one model for numbers of several tokens (docs/files.md).

    Parameters
    ----------
    extraction
        What to extract.
    prompts
        The table of numerals.
    output
        The folder.
    provenance
        Provenance to store in the files.

    Raises
    ------
    NumprobeError
        As `numprobe.activations.context.extract_context`.
    """
    table = read_table(prompts)
    tokenizer = load_tokenizer(extraction.source)
    parts = load_parts(extraction)
    numbers = NumberTokenizer(tokenizer, extraction.source.prefix_token)
    located = locate_chunks(table, numbers, longest_sequence(parts.config, tokenizer), parts.causal_span)
    details = describe_extraction(extraction, tokenizer, located.dropped)
    texts = text_of(table, located.positions)
    prepared = Prepared(parts, int(parts.config.hidden_size), located, texts, details)
    write_prepared(extraction, prepared, Path(output), provenance)
