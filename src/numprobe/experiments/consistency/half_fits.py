"""The probe `fourier` on both halves of the numbers, in several draws, and files of kernels to compare models by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.halves import make_halves
from numprobe.probes.readout import Kernel, enough_rank, rank_fold, weighted_classes
from numprobe.probes.statistics import accumulate
from numprobe.probes.tensor_file import read_tensors, write_tensors
from numprobe.seeding import derive_seed

Tensors = Mapping[str, np.ndarray]
#: (control, draw, half that trained)
Key = tuple[str, int, str]
_FORMAT = "numprobe kernels 1"


@dataclass(frozen=True, eq=False)
class HalfFits:
    """All fits of one state.

    Attributes
    ----------
    tensors
        Key -> tensors of `numprobe.probes.probe.Probe`.
    code
        All columns of the code, float64 [N, c].
    rank
        Directions that the read-out needs: the largest number over the halves of the first draw.
    width
        Components of the states.
    """

    tensors: Mapping[Key, Tensors]
    code: np.ndarray
    rank: int
    width: int

    @property
    def controls(self) -> set[str]:
        """Return the names of the fitted controls."""
        return {control for control, _, _ in self.tensors}


def fit_state(
    states: np.ndarray,
    values: np.ndarray,
    minimum: int,
    maximum: int,
    draws: Sequence[int],
    controls: Sequence[str],
    seed: int,
) -> HalfFits | None:
    """Fit one state of every number on each half of each draw.

    Parameters
    ----------
    states
        [n, d], one row per number.
    values
        int64 [n].
    minimum, maximum
        The candidates.
    draws
        Which draws of halves.
    controls
        "none" and, if wanted, "shuffled" (another permutation in each draw).
    seed
        The study's seed.

    Returns
    -------
    None if the states are constant.
    """
    code = make_code("fourier", minimum, maximum)
    compact, basis = _compact(states)
    tensors: dict[Key, Tensors] = {}
    rank = 1
    for draw in draws:
        split = make_halves(minimum, maximum, seed, draw)
        shorter = [rank_fold(split, fold) for fold in split.folds] if draw == draws[0] else []
        labels = [
            control_labels(control, split.values, split, derive_seed(seed, "halves", draw)) for control in controls
        ]
        targets = [make_target(code, label, minimum) for label in labels]
        fitted = fit_layer(accumulate(compact, values, split), split, targets, [*split.folds, *shorter])
        if fitted is None:
            return None
        for fold in shorter:
            held = np.isin(split.block_of(values), fold.test)
            rank = max(rank, _rank(fitted[0][fold.name], code.matrix, compact[held], values[held] - minimum))
        for control, parts in zip(controls, fitted, strict=True):
            tensors |= {(control, draw, fold.name): _expand(parts[fold.name], basis) for fold in split.folds}
    return HalfFits(tensors, code.matrix, min(rank, max(1, states.shape[1] // 4)), states.shape[1])


def _rank(tensors: Tensors, code: np.ndarray, states: np.ndarray, labels: np.ndarray) -> int:
    return enough_rank(tensors, code, states, labels) if len(labels) else 1


def _compact(states: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return states of more components than rows in an orthonormal basis of the rows, and that basis [m, d]."""
    rows, width = states.shape
    if width <= rows:
        return states, None
    directions = np.linalg.qr(states.astype(np.float64).T)[0].T
    return states @ directions.T, directions


def _expand(tensors: Tensors, basis: np.ndarray | None) -> Tensors:
    """Return the fit in the states' own components."""
    if basis is None:
        return tensors
    weight = (basis.T @ tensors["weight"]).astype(np.float32)
    return {**tensors, "weight": weight, "mean": tensors["mean"] @ basis}


def save_kernels(path: str | Path, fits: Mapping[tuple[str, str], HalfFits], metadata: Mapping[str, Any]) -> None:
    """Write what kernels and frequencies of some places are made from, as safetensors, atomically.

    Parameters
    ----------
    path
        The file.
    fits
        (context, layer) -> fits.
    metadata
        Provenance.
    """
    flat: dict[str, np.ndarray] = {}
    for (context, layer), part in fits.items():
        for (control, draw, half), tensors in part.tensors.items():
            weight = tensors["weight"].astype(np.float64)
            kept = {name: tensors[name] for name in ("columns", "precision", "target_mean")}
            kept["gram"] = (weight.T @ weight).astype(np.float32)
            place = f"{context}/{layer}/{control}/{draw}/{half}"
            flat |= {f"{place}/{name}": np.ascontiguousarray(array) for name, array in kept.items()}
    write_tensors(path, flat, {**metadata, "format": _FORMAT})


def load_kernels(path: str | Path) -> dict[tuple[str, str], dict[Key, Tensors]]:
    """Return what `save_kernels` wrote: (context, layer) -> key -> tensors.

    Raises
    ------
    NumprobeError
        If the file is missing, damaged or another one.
    """
    found: dict[tuple[str, str], dict[Key, dict[str, np.ndarray]]] = {}
    for key, array in read_tensors(path, _FORMAT, "a kernels")[1].items():
        context, layer, control, draw, half, name = key.split("/")
        place = found.setdefault((context, layer), {})
        place.setdefault((control, int(draw), half), {})[name] = array
    return {place: dict(sorted(parts.items())) for place, parts in found.items()}


def stored_kernel(tensors: Tensors, code: np.ndarray) -> Kernel:
    """Return the kernel of stored tensors; `code` [N, c] holds all columns."""
    return Kernel(
        weighted_classes(code, tensors["columns"], tensors["target_mean"], tensors["precision"]), tensors["gram"]
    )
