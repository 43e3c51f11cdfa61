"""The states of all models that are compared number by number, and where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.measure.depth import MatchedLayers, matched_layers
from numprobe.measure.origin import check_weights
from numprobe.runs import Run

VOCABULARY = "vocabulary"


@dataclass(frozen=True, eq=False)
class Folder:
    """An activation folder with one state per number.

    Attributes
    ----------
    path
        The folder.
    layers
        Names of its states.
    row_of
        Number to row; of several rows of a number the first.
    """

    path: Path
    layers: tuple[str, ...]
    row_of: Mapping[int, int]

    @cached_property
    def numbers(self) -> np.ndarray:
        """int64: the numbers, ascending."""
        return np.array(sorted(self.row_of), dtype=np.int64)

    def states(self, layer: str, numbers: np.ndarray) -> np.ndarray:
        """Return states [numbers, width], float32 or float16, in the order of `numbers`, which must all be there."""
        return read_states(self.path, layer)[[self.row_of[int(number)] for number in numbers]]

    def tokens(self, numbers: np.ndarray) -> np.ndarray:
        """Return the number of tokens of each number, and the id of its last one: int64 [numbers, 2]."""
        return self._tokens[[self.row_of[int(number)] for number in numbers]]

    @cached_property
    def _tokens(self) -> np.ndarray:
        columns = ["number_tokens", "token_id"]
        return read_positions(self.path, columns).select(columns).to_numpy().astype(np.int64)


def open_folder(path: str | Path) -> Folder:
    """Open an activation folder of the contexts `vocabulary` or of kind `number`.

    Raises
    ------
    NumprobeError
        If the folder does not match its manifest.
    """
    positions = read_positions(path, ["number"])
    row_of: dict[int, int] = {}
    for value, row in positions.select("number", "row").iter_rows():
        row_of.setdefault(value, row)
    layers = tuple(state["layer"] for state in read_manifest(path)["states"] if state["site"] == "residual")
    return Folder(Path(path), layers, row_of)


@dataclass(frozen=True, eq=False)
class Spaces:
    """The folders of a study.

    Attributes
    ----------
    folders
        (model, context) to folder; the untrained control of m is the model `m.untrained`.
    cards
        The models' cards, by name, in the order of the study.
    context
        Name of the context of prompts, None if the study has none.
    """

    folders: Mapping[tuple[str, str], Folder]
    cards: Mapping[str, Mapping[str, Any]]
    context: str | None

    def get(self, model: str, context: str, untrained: bool = False) -> Folder | None:
        """Return the folder of a model, or of its untrained control; None if there is none."""
        return self.folders.get((str(Run(model, "untrained")) if untrained else model, context))

    def layer_pairs(self, first: str, second: str) -> list[MatchedLayers]:
        """Return the states of two models in the context of prompts, paired by relative depth; empty without both."""
        if self.context is None:
            return []
        one, two = self.get(first, self.context), self.get(second, self.context)
        if one is None or two is None:
            return []
        return matched_layers(one.layers, two.layers, *(int(self.cards[name]["layers"]) for name in (first, second)))


def open_spaces(folders: Sequence[str | Path], cards: Sequence[Mapping[str, Any]]) -> Spaces:
    """Open all folders of a study; each says in its manifest which model and context it is.

    Parameters
    ----------
    folders
        Activation folders of `vocabulary` and of one context of prompts, untrained controls included.
    cards
        Of all models.

    Raises
    ------
    NumprobeError
        If a card describes other weights than those that states were made with.
    """
    described = {card["name"]: card for card in cards}
    found = {}
    for path in folders:
        manifest = read_manifest(path)
        card = described.get(Run.parse(manifest["model"]).model)
        if card is not None:
            check_weights(card, f"the card of {card['name']}", manifest, path)
        found[manifest["model"], manifest["context"]] = open_folder(path)
    contexts = [context for _, context in found if context != VOCABULARY]
    return Spaces(found, described, contexts[0] if contexts else None)
