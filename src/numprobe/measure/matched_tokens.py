"""Input embeddings of tokens that are no numbers, with which geometries of numbers are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.tables import read_table


def token_states(folder: str | Path, tokens: pl.DataFrame, model: str, other: str) -> np.ndarray:
    """Return input embeddings of the tokens on which a model is compared with another, in their order: [tokens, width].

    Parameters
    ----------
    folder
        The folder of the model's matched tokens.
    tokens
        The table of matched tokens.
    model, other
        Names of the models.
    """
    wanted = tokens.filter((pl.col("model") == model) & (pl.col("other_model") == other)).sort("place")["token_id"]
    row_of = dict(read_positions(folder, ["token_id"]).select("token_id", "row").iter_rows())
    return read_states(folder, "embedding")[[row_of[token] for token in wanted]]


@dataclass(frozen=True, eq=False)
class MatchedTokens:
    """The matched tokens of all models.

    Attributes
    ----------
    folders
        Model to its folder; models whose embeddings are not studied have none.
    tokens
        The table of matched tokens.
    """

    folders: Mapping[str, str | Path]
    tokens: pl.DataFrame

    def of_pair(self, first: str, second: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the embeddings of the same texts in two models, [tokens, width] each; None where one has none."""
        if first not in self.folders or second not in self.folders:
            return None
        return (
            token_states(self.folders[first], self.tokens, first, second),
            token_states(self.folders[second], self.tokens, second, first),
        )


def matched_names(first: str, second: str) -> dict[str, str]:
    """Return the columns of a measurement on the matched tokens of two models."""
    place = {"context": "vocabulary", "layer": "embedding", "other_layer": "embedding", "control": "matched"}
    return {"model": first, "other_model": second, **place}


def open_matched(folders: Sequence[Path], tables: Sequence[Path]) -> MatchedTokens:
    """Open the folders of matched tokens, and their table if there is one."""
    tokens = read_table(tables[0]) if tables else pl.DataFrame()
    return MatchedTokens({read_manifest(folder)["model"]: folder for folder in folders}, tokens)
