"""Read and write files of the subspaces that a model uses, as learned by interchange."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.tensor_file import read_tensors, write_tensors

_FORMAT = "numprobe subspaces 1"


@dataclass(frozen=True, eq=False)
class Subspaces:
    """Orthonormal bases of the states' components that carry an operand to the answer.

    Attributes
    ----------
    metadata
        Origin: `model`, `source`, `weights_sha256`, `tokenizer_sha256`, `context`, `seed`, `pairs`, `training`;
        `candidates`, the layers considered; and `learned`: "LAYER/SEED" -> `steps` and `loss` (nats, on the validation
        pairs).
    bases
        (layer, seed of the start) -> float32 [width, rank], orthonormal columns.
    """

    metadata: Mapping[str, Any]
    bases: Mapping[tuple[str, int], np.ndarray]

    @property
    def layers(self) -> list[str]:
        """Names of the layers, in the order of the study."""
        return list(dict.fromkeys(layer for layer, _ in self.bases))

    @property
    def seeds(self) -> list[int]:
        """The random starts."""
        return list(dict.fromkeys(seed for _, seed in self.bases))

    def basis(self, layer: str | int, seed: int = 0) -> np.ndarray:
        """Return a basis, float32 [width, rank] with orthonormal columns.

        Raises
        ------
        NumprobeError
            If there is no such layer or seed.
        """
        if (str(layer), seed) not in self.bases:
            raise NumprobeError(
                f"this file has no layer '{layer}' with seed {seed}: layers {', '.join(self.layers)}; seeds "
                f"{', '.join(map(str, self.seeds))}"
            )
        return self.bases[str(layer), seed]

    def save(self, path: str | Path) -> None:
        """Write a safetensors file atomically; its bytes depend on the bases and the metadata alone."""
        order = [f"{layer}/{seed}" for layer, seed in self.bases]
        flat = {f"{layer}/{seed}": basis for (layer, seed), basis in self.bases.items()}
        write_tensors(path, flat, {**self.metadata, "format": _FORMAT, "order": order})


def load_subspaces(path: str | Path) -> Subspaces:
    """Read a file that `Subspaces.save` wrote.

    Raises
    ------
    NumprobeError
        If the file is missing, truncated or holds something else.
    """
    described, flat = read_tensors(path, _FORMAT, "a subspaces")
    places = [name.split("/") for name in described["order"]]
    bases = {(layer, int(seed)): flat[f"{layer}/{seed}"] for layer, seed in places}
    return Subspaces({key: value for key, value in described.items() if key not in ("format", "order")}, bases)
