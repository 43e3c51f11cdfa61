"""The numerals of one text, the states at the last tokens of those that are read, and why others are not."""

from collections.abc import Container, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.activations.extract import check_states, extract_states
from numprobe.activations.locate import longest_sequence
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.tokens import Encoded, NumberTokenizer, Span
from numprobe.spelling import Numeral, find_numerals

#: The reason of a number that the probe does not know.
OUT_OF_RANGE = "out_of_range"
_SCHEMA = {
    "token": pl.UInt32,
    "tokens": pl.UInt32,
    "start": pl.UInt32,
    "end": pl.UInt32,
    "written": pl.String,
    "value": pl.Int64,
    "reason": pl.String,
}
# Longer numerals may exceed 64 bits.
_MOST_DIGITS = 18


def number_states(
    model: Any,
    tokenizer: Any,
    text: str,
    layers: Sequence[str],
    prefix_token: str | None = None,
    single_tokens: bool = False,
    candidates: Container[int] | None = None,
) -> tuple[pl.DataFrame, dict[str, np.ndarray]]:
    """Find the numerals in a text, and extract the states at the last token of each that can be read.

    Parameters
    ----------
    model
        A `transformers` model, with or without its head.
    tokenizer
        Its fast tokenizer.
    text
        Any text. Of one that is longer than the model takes, the beginning is read; by an encoder, which would read
        the beginning otherwise without the rest, nothing.
    layers
        Names of states ("0", ..., "final_norm").
    prefix_token
        The token in front of the text, if the model's entry in the configuration names one.
    single_tokens
        Whether numbers of several tokens are left out.
    candidates
        The numbers that a probe knows; others are left out. None: any.

    Returns
    -------
    DataFrame
        One row per numeral: `token` and `tokens` (UInt32: index of its last token, special tokens counted, and how many
        tokens it is; null if it is left out), `start`, `end` (UInt32, characters), `written` (String), `value` (Int64;
        null unless it is a whole number in plain digits, of 18 at the most), `reason` (String: why it is left out,
        docs/numbers.md; else null).
    dict
        Layer to float32 [numerals without a reason, width].

    Raises
    ------
    NumprobeError
        If the model has no such layer or is not supported.
    """
    parts = locate_parts(model)
    layers = check_states(parts, layers)
    numbers = NumberTokenizer(tokenizer, prefix_token, single_tokens)
    encoded = numbers.encode([text])[0]
    fed = _fed_tokens(parts, len(encoded), longest_sequence(parts.config, tokenizer))
    rows = [_row(text, numeral, numbers, encoded, fed, candidates) for numeral in find_numerals(text)]
    table = pl.DataFrame(rows, schema=_SCHEMA)
    where = table["token"].drop_nulls().to_numpy().astype(np.int64)
    # The prefix alone, where nothing is read: the states are empty, but have their width.
    sequence = torch.from_numpy(encoded.ids[: fed if len(where) else 1])[None]
    return table, extract_states(parts, sequence, (np.zeros_like(where), where), layers)


def _fed_tokens(parts: Architecture, tokens: int, longest: int | None) -> int:
    """Return how many of a text's tokens are fed to the model: all, or as many as it takes."""
    if longest is None or tokens <= longest:
        return tokens
    return 0 if parts.facts.encoder else longest


def _row(
    text: str,
    numeral: Numeral,
    numbers: NumberTokenizer,
    encoded: Encoded,
    fed: int,
    candidates: Container[int] | None,
) -> dict[str, Any]:
    start, end, reason = numeral
    written = text[start:end]
    value = int(written) if reason is None and len(written) <= _MOST_DIGITS else None
    if reason is None and candidates is not None and (value is None or value not in candidates):
        reason = OUT_OF_RANGE
    found = reason or _tokens(text, (start, end), numbers, encoded, fed)
    place = {"start": start, "end": end, "written": written, "value": value}
    if isinstance(found, str):
        return place | {"reason": found}
    return place | {"token": found.last, "tokens": found.length}


def _tokens(text: str, span: tuple[int, int], numbers: NumberTokenizer, encoded: Encoded, fed: int) -> Span | str:
    """Return the tokens of a number, or why they cannot be read."""
    found = numbers.find_numeral(text, encoded, *span)
    return "too_long" if isinstance(found, Span) and found.last >= fed else found
