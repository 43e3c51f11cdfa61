"""Input embeddings of tokens that are no numbers, with which geometries of numbers are compared."""

from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_positions, read_states


def token_states(folder: str | Path, tokens: pl.DataFrame, model: str, other: str) -> np.ndarray:
    """Input embeddings of the tokens on which a model is compared with another, in their order: [tokens, width].

    Parameters
    ----------
    folder
        The folder of the model's matched tokens.
    tokens
        The table of matched tokens.
    model, other
        Names of the models.
    """
    wanted = tokens.filter((pl.col("model") == model) & (pl.col("other") == other)).sort("place")["token_id"]
    row_of = dict(read_positions(folder).select("token_id", "row").iter_rows())
    return read_states(folder, "embedding")[[row_of[token] for token in wanted]]
