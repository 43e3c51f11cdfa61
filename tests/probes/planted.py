"""States in which numbers are planted as waves, and activation folders that hold them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.store import write_activations
from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.dataset import whole_fold
from numprobe.probes.probe import Probe
from numprobe.probes.statistics import accumulate
from numprobe.splits import Fold, Split, StudySplit, make_split

PERIODS = (2, 5, 10, 100, 1000)
IDENTITY = {"model": "tiny", "context": "number", "source": {"kind": "path", "path": "tiny"}, "revision": "local"}
DIGESTS = {"weights_sha256": "aa", "tokenizer_sha256": "bb"}


def split_of(maximum: int = 999, folds: int = 5, inner: int = 3, seed: int = 0) -> StudySplit:
    return make_split(0, maximum, "folds", folds, inner, seed)


def waves(
    values: np.ndarray, width: int = 24, noise: float = 0.02, periods: tuple[int, ...] = PERIODS, seed: int = 0
) -> np.ndarray:
    """Each period in a random plane, plus noise: float64 [n, width]."""
    random = np.random.default_rng(seed)
    planes = random.standard_normal((2 * len(periods), width)) / np.sqrt(width)
    angle = 2 * np.pi * np.asarray(values)[:, None] / np.array(periods)
    clean = np.hstack([np.cos(angle), np.sin(angle)]) @ planes
    return clean + noise * random.standard_normal(clean.shape)


def fit(
    kind: str,
    states: np.ndarray,
    values: np.ndarray,
    split: Split,
    control: str = "none",
    seed: int = 0,
    folds: tuple[Fold, ...] | None = None,
) -> Probe:
    """A probe of one layer "0", fitted in closed form."""
    labels = control_labels(control, split.values, split, seed)
    target = make_target(make_code(kind, split.minimum, split.maximum), labels, split.minimum)
    folds = folds or (whole_fold(split), *split.folds)
    fitted = fit_layer(accumulate(states, values, split), split, [target], folds)
    tensors = {("0", fold): arrays for fold, arrays in fitted[0].items()} if fitted else {}
    return Probe(
        kind=kind,
        numbers=split.values,
        layers=("0",) if fitted else (),
        folds=tuple(fold.name for fold in folds),
        constant=() if fitted else ("0",),
        width=states.shape[1],
        metadata={**IDENTITY, **DIGESTS, "control": control},
        tensors=tensors,
    )


def held_out_accuracy(
    probe: Probe, states: np.ndarray, values: np.ndarray, split: Split, labels: np.ndarray | None = None
) -> float:
    """Share of rows that are read correctly by the fold that has not seen their value."""
    labels = values if labels is None else labels
    right = np.zeros(len(values), dtype=bool)
    for fold in split.folds:
        tested = np.isin(split.block_of(values), fold.test)
        right[tested] = probe.decode(states[tested], "0", fold.name) == labels[tested]
    return float(right.mean())


def write_folder(
    folder: Path,
    layers: Mapping[str, np.ndarray],
    values: np.ndarray,
    text_split: Any = "any",
    dtype: str = "float32",
) -> Path:
    """An activation folder with these states."""
    count = len(values)
    positions = pl.DataFrame(
        {
            "row": np.arange(count, dtype=np.uint32),
            "prompt": np.arange(count, dtype=np.uint32),
            "start": np.zeros(count, dtype=np.uint32),
            "operation": pl.Series([None] * count, dtype=pl.String),
            "domain": pl.Series([None] * count, dtype=pl.String),
            "number": np.asarray(values, dtype=np.int32),
            "number_tokens": np.ones(count, dtype=np.uint32),
            "text_split": [text_split] * count if isinstance(text_split, str) else list(text_split),
        }
    )
    states = {layer: array.astype(np.float32) for layer, array in layers.items()}
    width = next(iter(states.values())).shape[1]
    details = {"dropped": {}, **IDENTITY, **DIGESTS, "provenance": {}}
    write_activations(
        folder,
        [states],
        layers=list(states),
        width=width,
        dtype=dtype,
        positions=positions,
        details=details,
    )
    return folder
