"""Find the numerals of one text, the states at their last tokens, and the reasons why some are left out."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.activations.extract import check_states, extract_states
from numprobe.activations.locate import longest_sequence
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.tokens import Encoded, NumberTokenizer
from numprobe.spelling import Numeral, find_numerals
from numprobe.texts import check_text

#: Reason for leaving out a number that is not among the probe's candidates.
OUT_OF_RANGE = "out_of_range"
_SCHEMA = {
    "token": pl.UInt32,
    "tokens": pl.UInt32,
    "start": pl.UInt32,
    "end": pl.UInt32,
    "written": pl.String,
    "number": pl.Int64,
    "reason": pl.String,
}
# Longer numerals may exceed 64 bits.
_MOST_DIGITS = 18


@dataclass(frozen=True, eq=False)
class Numerals:
    """The numerals of a tokenised text.

    Attributes
    ----------
    table
        One row per numeral, with the columns that `number_states` describes.
    encoded
        The tokens of the text.
    fed
        How many of them the model takes.
    """

    table: pl.DataFrame
    encoded: Encoded
    fed: int


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
        Any text. If it is longer than the model takes, only its beginning is read, and nothing with an encoder, whose
        states at the beginning depend on the rest.
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
        tokens it is; null if it is left out), `start`, `end` (UInt32, characters), `written` (String), `number` (Int64;
        null unless it is a whole number in plain digits, at most 18), `reason` (String: why it is left out,
        docs/numbers.md; else null).
    dict
        Layer to float32 [numerals without a reason, width].

    Raises
    ------
    NumprobeError
        If the model has no such layer or is not supported, or the text is invalid (`numprobe.texts`).
    """
    parts = locate_parts(model)
    layers = check_states(parts, layers)
    numbers = NumberTokenizer(tokenizer, prefix_token, single_tokens)
    found = locate_numerals(parts, numbers, text, candidates)
    where = found.table["token"].drop_nulls().to_numpy().astype(np.int64)
    # If nothing is read, run the prefix alone, so that the empty states have the right width.
    sequence = torch.from_numpy(found.encoded.ids[: found.fed if len(where) else 1])[None]
    return found.table, extract_states(parts, sequence, (np.zeros_like(where), where), layers)


def locate_numerals(
    parts: Architecture, numbers: NumberTokenizer, text: str, candidates: Container[int] | None = None
) -> Numerals:
    """Tokenise a text, and find its numerals and their tokens; parameters and errors as in `number_states`."""
    check_text(text, "the text")
    encoded = numbers.encode([text])[0]
    fed = _fed_tokens(parts, len(encoded), longest_sequence(parts.config, numbers.tokenizer))
    rows = [_row(text, numeral, candidates) for numeral in find_numerals(text)]
    _add_tokens(rows, text, numbers, encoded, fed)
    return Numerals(pl.DataFrame(rows, schema=_SCHEMA), encoded, fed)


def _fed_tokens(parts: Architecture, tokens: int, longest: int | None) -> int:
    """Return how many of a text's tokens are fed to the model: all, or as many as it takes."""
    if longest is None or tokens <= longest:
        return tokens
    return 0 if parts.facts.encoder else longest


def _row(text: str, numeral: Numeral, candidates: Container[int] | None) -> dict[str, Any]:
    """Return the row of a numeral as far as the text alone determines it."""
    start, end, reason = numeral
    written = text[start:end]
    value = int(written) if reason is None and len(written) <= _MOST_DIGITS else None
    if reason is None and candidates is not None and (value is None or value not in candidates):
        reason = OUT_OF_RANGE
    return {"start": start, "end": end, "written": written, "number": value, "reason": reason}


def _add_tokens(
    rows: Sequence[dict[str, Any]], text: str, numbers: NumberTokenizer, encoded: Encoded, fed: int
) -> None:
    """Add `token` and `tokens` to the rows without a reason, or the reason why their tokens cannot be read."""
    asked = [row for row in rows if row["reason"] is None and row["number"] is not None]
    spans = np.array([(row["start"], row["end"]) for row in asked], dtype=np.int64).reshape(-1, 2)
    values = np.array([row["number"] for row in asked], dtype=np.int64)
    found = numbers.find_all([text], [encoded], np.zeros(len(asked), dtype=np.int64), spans, values)
    longer = [row for row in rows if row["reason"] is None and row["number"] is None]
    found += [numbers.find_numeral(text, encoded, row["start"], row["end"]) for row in longer]
    for row, tokens in zip([*asked, *longer], found, strict=True):
        if isinstance(tokens, str):
            row["reason"] = tokens
        elif tokens.last >= fed:
            row["reason"] = "too_long"
        else:
            row.update(token=tokens.last, tokens=tokens.length)
