"""The numbers in one text and the states at their last tokens."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from numprobe.activations.extract import check_states, extract_states
from numprobe.models.architecture import locate_parts
from numprobe.models.tokens import NumberTokenizer

_NUMERAL = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]*)(?![0-9])")
_SCHEMA = {"token": pl.UInt32, "value": pl.Int32, "start": pl.UInt32, "end": pl.UInt32}


def number_states(
    model: Any, tokenizer: Any, text: str, layers: Sequence[str], prefix_token: str | None = None
) -> tuple[pl.DataFrame, dict[str, np.ndarray]]:
    """Find the numbers in a text, and extract the states at the last token of each.

    Parameters
    ----------
    model
        A `transformers` model, with or without its head.
    tokenizer
        Its fast tokenizer.
    text
        Any text. Numbers that are glued to other characters, and numerals with leading zeros, are left out.
    layers
        Names of states ("0", ..., "final_norm").
    prefix_token
        The token in front of the text, if the model's entry in the configuration names one.

    Returns
    -------
    DataFrame
        One row per number: `token` (UInt32, index of its last token, special tokens counted), `value` (Int32), `start`,
        `end` (UInt32, characters).
    dict
        Layer to float32 [numbers, width].

    Raises
    ------
    NumprobeError
        If the model has no such layer or is not supported.
    """
    parts = locate_parts(model)
    layers = check_states(parts, layers)
    numbers = NumberTokenizer(tokenizer, prefix_token)
    encoded = numbers.encode([text])[0]
    found = []
    for match in _NUMERAL.finditer(text):
        (start, end), value = match.span(), int(match.group())
        tokens = numbers.find(text, encoded, start, end, value)
        if not isinstance(tokens, str):
            found.append({"token": tokens.last, "value": value, "start": start, "end": end})
    table = pl.DataFrame(found, schema=_SCHEMA)
    where = table["token"].to_numpy().astype(np.int64)
    sequence = torch.from_numpy(encoded.ids)[None]
    return table, extract_states(parts, sequence, (np.zeros_like(where), where), layers)
