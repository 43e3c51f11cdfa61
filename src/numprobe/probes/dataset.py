"""The rows of an activation folder that train probes, and their metadata for probe files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from numprobe.activations.store import RESIDUAL, iterate_states, read_manifest, read_positions, state_width
from numprobe.errors import NumprobeError
from numprobe.probes.probe import ALL
from numprobe.splits import Fold, Split, StudySplit


class Rows(Protocol):
    """The rows that a closed-form fit needs; attributes as in `TrainingRows`."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def width(self) -> int: ...

    @property
    def values(self) -> np.ndarray: ...

    @property
    def described(self) -> dict[str, Any]: ...

    def batches(self, layer: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield states [n, width] and values [n] of the rows."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The training rows of one model in one context.

    Attributes
    ----------
    folder
        The activation folder.
    layers
        All layers of the site in the folder.
    width
        Components per state.
    used
        bool [rows]: number within the range, text not a test text.
    values
        int64 [rows used]: the true value of each used row.
    item_bytes
        Bytes of a component, as read.
    described
        Metadata for probe files: model, source, context, site and digests.
    """

    folder: Path
    layers: tuple[str, ...]
    width: int
    used: np.ndarray
    values: np.ndarray
    item_bytes: int
    described: dict[str, Any]

    def batches(self, layer: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield states [n, width] and values [n] of the used rows, in bounded memory."""
        row = taken = 0
        for states in iterate_states(self.folder, layer, site=self.described["site"]):
            chosen = states[self.used[row : row + len(states)]]
            yield chosen, self.values[taken : taken + len(chosen)]
            row += len(states)
            taken += len(chosen)

    def states(self, layer: str) -> np.ndarray:
        """Return all states of the used rows, [rows used, width]."""
        return np.concatenate([states for states, _ in self.batches(layer)])


def training_rows(folder: str | Path, split: Split, site: str = RESIDUAL) -> TrainingRows:
    """Find the training rows of an activation folder, with the states of one site.

    Raises
    ------
    NumprobeError
        If the folder is incomplete, or has too few different training numbers for the folds.
    """
    manifest = read_manifest(folder)
    positions = read_positions(folder, ["number"])
    values = positions["number"].to_numpy().astype(np.int64)
    in_range = (values >= split.minimum) & (values <= split.maximum)
    used = in_range & (positions["text_split"] != "test").to_numpy()
    remedy = "use fewer folds (split.folds) or a context with more numbers"
    check_training_numbers(values[used], split, folder, remedy)
    layers = tuple(state["layer"] for state in manifest["states"] if state["site"] == site)
    keys = ("model", "context", "source", "revision", "weights_sha256", "tokenizer_sha256")
    described = {key: manifest.get(key) for key in keys} | {"site": site}
    item_bytes = 2 if manifest["dtype"] == "float16" else 4
    width = state_width(manifest, site)
    return TrainingRows(Path(folder), layers, width, used, values[used], item_bytes, described)


def check_training_numbers(values: np.ndarray, split: Split, where: str | Path, remedy: str) -> None:
    """Refuse training rows with fewer than two different numbers a fold.

    Parameters
    ----------
    values
        int [n]: the numbers of the rows.
    split
        Range and folds.
    where, remedy
        Begin and end the message.

    Raises
    ------
    NumprobeError
        If there are fewer.
    """
    present = len(np.unique(values))
    if present < 2 * len(split.folds):
        raise NumprobeError(
            f"{where} has {present} different training numbers in {split.minimum}..{split.maximum}, too few for "
            f"{len(split.folds)} folds: {remedy}"
        )


def whole_fold(split: Split) -> Fold:
    """Return the fold "all", which trains on every value; it has as many inner groups as the other folds."""
    blocks = tuple(range(split.n_blocks))
    count = min(len(split.folds[0].inner), len(blocks))
    return Fold(ALL, (), (), blocks, tuple(blocks[start::count] for start in range(count)))


def describe_split(split: StudySplit, folds: Iterable[Fold]) -> Mapping[str, Any]:
    """Return a split as probe files record it: scheme, seed, the block of every value, and the blocks of some folds."""
    parts = {fold.name: {"test": fold.test, "validation": fold.validation, "train": fold.train} for fold in folds}
    return {"scheme": split.scheme, "seed": split.seed, "blocks": split.block.tolist(), "folds": parts}
