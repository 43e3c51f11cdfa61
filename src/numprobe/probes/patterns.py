"""The forward model of the states: the expected state of each number (patterns, not filters: Haufe et al. 2014).

A read-out also suppresses the noise of its layer, so it is not the direction along which states move with the number.
Interventions on states therefore write along the patterns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.codes import make_code
from numprobe.probes.tensor_file import read_tensors, write_tensors

_FORMAT = "numprobe patterns 1"
_CODE = "fourier"


@dataclass(frozen=True, eq=False)
class Patterns:
    """States as a linear function of the code of their number, for every layer and fold.

    Attributes
    ----------
    numbers
        int64 [N]: all candidates, min..max.
    layers, folds
        Names of the layers and folds; "all" is fitted on all values.
    width
        Components per state.
    metadata
        Origin: `model`, `context`, `probe`, `control`, digests.
    tensors
        (layer, fold) -> `mean` float64 [d], `loadings` float32 [k, d], `columns` int32 [k] of the Fourier code,
        `code_mean` float32 [k], `penalty` float64 [1].
    """

    numbers: np.ndarray
    layers: tuple[str, ...]
    folds: tuple[str, ...]
    width: int
    metadata: Mapping[str, Any]
    tensors: Mapping[tuple[str, str], Mapping[str, np.ndarray]]

    def states(self, values: np.ndarray, layer: str, fold: str) -> np.ndarray:
        """Return the state of each number according to a fold, float64 [n, width].

        Parameters
        ----------
        values
            int [n], each one of `numbers`.
        layer, fold
            One of `layers`, one of `folds`.

        Raises
        ------
        NumprobeError
            If there is no such layer or fold.
        """
        part = self._part(layer, fold)
        code = make_code(_CODE, int(self.numbers[0]), int(self.numbers[-1])).matrix[:, part["columns"]]
        return np.asarray(
            part["mean"] + (code[np.asarray(values) - self.numbers[0]] - part["code_mean"]) @ part["loadings"]
        )

    def basis(self, layer: str, fold: str, rank: int) -> np.ndarray:
        """Return the `rank` principal directions of the patterns of all candidates, float64 [width, rank], orthonormal.

        There are fewer if the patterns span fewer.

        Raises
        ------
        NumprobeError
            If there is no such layer or fold.
        """
        states = self.states(self.numbers, layer, fold)
        _, size, directions = np.linalg.svd(states - states.mean(axis=0), full_matrices=False)
        kept = int((size > 1e-6 * max(size[0], np.finfo(float).tiny)).sum())
        return np.ascontiguousarray(directions[: min(rank, kept)].T)

    def save(self, path: str | Path) -> None:
        """Write a safetensors file atomically; its bytes depend on the patterns alone."""
        described = {
            **self.metadata,
            "format": _FORMAT,
            "minimum": int(self.numbers[0]),
            "maximum": int(self.numbers[-1]),
            "layers": list(self.layers),
            "folds": list(self.folds),
            "width": self.width,
        }
        flat = {
            f"{layer}/{fold}/{name}": array
            for (layer, fold), part in self.tensors.items()
            for name, array in part.items()
        }
        write_tensors(path, flat, described)

    def _part(self, layer: str, fold: str) -> Mapping[str, np.ndarray]:
        if (layer, fold) not in self.tensors:
            raise NumprobeError(
                f"these patterns have no layer '{layer}' or no fold '{fold}': layers {', '.join(self.layers)}; folds "
                f"{', '.join(self.folds)}"
            )
        return self.tensors[layer, fold]


def load_patterns(path: str | Path) -> Patterns:
    """Read a file that `Patterns.save` wrote.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or holds something else.
    """
    described, flat = read_tensors(path, _FORMAT, "a patterns")
    tensors: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for key, array in flat.items():
        layer, fold, name = key.split("/")
        tensors.setdefault((layer, fold), {})[name] = array
    return Patterns(
        numbers=np.arange(described["minimum"], described["maximum"] + 1),
        layers=tuple(described["layers"]),
        folds=tuple(described["folds"]),
        width=int(described["width"]),
        metadata={key: value for key, value in described.items() if key not in _OWN},
        tensors=tensors,
    )


_OWN = ("format", "minimum", "maximum", "layers", "folds", "width")
