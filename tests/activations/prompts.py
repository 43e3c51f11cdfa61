"""Small prompt tables."""

import re

import polars as pl

SCHEMA = {
    "prompt": pl.UInt32,
    "text": pl.String,
    "value": pl.Int32,
    "start": pl.UInt32,
    "end": pl.UInt32,
    "read_at": pl.String,
    "operation": pl.String,
    "a": pl.Int32,
    "b": pl.Int32,
    "template": pl.String,
    "domain": pl.String,
    "text_split": pl.String,
}


def prompt_table(texts, read_at="token"):
    """A row for every number of every text; with `before`, for the last number only."""
    rows = []
    for prompt, text in enumerate(texts):
        matches = list(re.finditer("[0-9]+", text))
        for match in matches if read_at == "token" else matches[-1:]:
            span = {"value": int(match.group()), "start": match.start(), "end": match.end()}
            rows.append({"prompt": prompt, "text": text, **span, "read_at": read_at, "text_split": "any"})
    return pl.DataFrame([{**dict.fromkeys(SCHEMA), **row} for row in rows], schema=SCHEMA)
