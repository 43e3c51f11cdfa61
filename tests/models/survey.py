"""A small random model of a type, read as a study would read it and compared with what `transformers` reports."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.tiny import LAYERS, tiny_model, tiny_wrapper
from numprobe.activations.extract import check_states, run_pass
from numprobe.activations.prefixes import Batch, Pass
from numprobe.activations.sharing import sharing_difference
from numprobe.activations.sites import site_states
from numprobe.models.architecture import Architecture, locate_parts
from numprobe.models.blocks import locate_attention
from numprobe.models.facts import known_sharing

# Two texts that begin alike.
_IDS = [[1, 20, 30, 40, 50, 60], [1, 20, 30, 41, 51, 61]]
_BLOCKS = [str(block) for block in range(1, LAYERS + 1)]
# Rounding, relative to the largest component of a state.
_STATES, _PREFIXES = 1e-4, 1e-4


@dataclass(frozen=True)
class Finding:
    """What was found of a type.

    Attributes
    ----------
    kind
        The key `model_type` of its `config.json`.
    inside
        Of a multimodal wrapper, the type of the language model inside.
    states
        By how much states differ from those reported, relative to their largest component.
    first
        The first layer that the model reports.
    prefixes
        By how much states differ where the common beginning is run once; None: it takes no such masks.
    shared
        Whether extraction shares prefixes.
    sites
        Numbers of the blocks whose queries, keys, values, attention and MLP are read, or why there are none.
    """

    kind: str
    inside: str
    states: float
    first: str
    prefixes: float | None
    shared: bool
    sites: list[str] | str

    def problems(self) -> list[str]:
        """What is not as it should be."""
        found = []
        if not self.states <= _STATES:
            found.append(f"{self.kind}: states differ from those reported by {self.states:.1e}")
        if self.shared and not (self.prefixes is not None and self.prefixes <= _PREFIXES):
            found.append(f"{self.kind}: prefixes are shared although states differ by {self.prefixes}")
        return found


def survey(kind: str, wrapper: bool = False) -> Finding:
    """Build a model of a type and read it."""
    model = tiny_wrapper(kind) if wrapper else tiny_model(kind)
    parts = locate_parts(model)
    states, first = _compare_states(model, parts)
    return Finding(
        kind,
        parts.config.model_type if wrapper else "",
        states,
        first,
        sharing_difference(parts, _IDS),
        known_sharing(parts.config.to_dict()) is True,
        _sites(parts),
    )


def _whole() -> Pass:
    ids = torch.tensor(_IDS)
    rows, tokens = ids.shape
    return Pass(Batch(ids, (np.repeat(np.arange(rows), tokens), np.tile(np.arange(tokens), rows))))


def _compare_states(model: Any, parts: Architecture) -> tuple[float, str]:
    """The largest difference to the states that the model reports, and the first layer that it reports."""
    layers = check_states(parts, None)
    found = {layer: states() for layer, states in run_pass(parts, _whole(), layers, "float32").items()}
    with torch.inference_mode():
        reported = model(torch.tensor(_IDS), output_hidden_states=True).hidden_states
    told = [state.flatten(0, 1).numpy() for state in reported]
    # The last one is after the final norm; recurrent models leave out what enters the first block, not the last state.
    named = {first: [*map(str, range(first, LAYERS + first))][: len(told) - 1] + layers[-1:] for first in (0, 1)}
    differences = {
        first: max(_difference(found[name], state) for name, state in zip(names, told, strict=True))
        for first, names in named.items()
        if all(name in found for name in names)
    }
    first = min(differences, key=differences.__getitem__)
    return differences[first], str(first)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float((np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max())


def _sites(parts: Architecture) -> list[str] | str:
    try:
        inside = locate_attention(parts)
        site_states(parts, inside, _whole())
    except Exception as error:  # Whatever it says, the type is refused by the experiment.
        return str(error)
    return list(inside)
