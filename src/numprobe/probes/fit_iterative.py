"""Fit iterative probes of one activation folder: validation values choose the candidates, layers train together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from numprobe.device import choose_device
from numprobe.errors import NumprobeError
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.probes.dataset import TrainingRows, describe_split, training_rows
from numprobe.probes.iterative import FAMILIES, Family, Rows, Trained, train
from numprobe.probes.moments import CONSTANT_TOLERANCE
from numprobe.probes.probe import GAUSSIAN_LAYER, Probe
from numprobe.probes.settings import Settings, make_settings
from numprobe.seeding import derive_seed
from numprobe.splits import Fold, Split, StudySplit

Tensors = dict[str, np.ndarray]
#: The chosen candidate of a layer in a fold, with its validation accuracy.
Choice = dict[str, float]
Fitted = tuple[Tensors, Choice]
#: Vectors that some kinds of probe files hold besides the class vectors: float32 [h] each.
OWN_VECTORS = ("amplitude", "phase", "frequency", "hidden_bias")
# Of the memory of a job; the rest is for Python, the probes and what is made on the way.
_STATES_SHARE = 0.6
# Rows of which float64 copies are made at a time.
_BLOCK = 16384


@dataclass(frozen=True)
class IterativeFit:
    """Probes that are trained together.

    Attributes
    ----------
    kinds
        Kinds of probes.
    controls
        Controls to train besides: any of "shuffled", "gaussian".
    settings
        Changes of the default settings of all kinds (`numprobe.probes.settings.make_settings`).
    folds
        How many of the folds, from the first.
    memory_mb
        Memory to use; layers that do not fit are trained one after another.
    device
        Where to train: cpu, auto, cuda or cuda:N.
    """

    kinds: Sequence[str]
    controls: Sequence[str]
    settings: Mapping[str, Any]
    folds: int
    memory_mb: float = 4000
    device: str = "cpu"


def save_iterative(
    states: Path, output: Path, fit: IterativeFit, split: StudySplit, provenance: Mapping[str, Any]
) -> None:
    """Train probes with their controls, and save them as `{kind}[.{control}].safetensors`.

    Parameters
    ----------
    states
        Folder of states.
    output
        Folder of the files.
    fit
        The probes.
    split
        The study's split, or that of an experiment.
    provenance
        Record of their making, stored in every probe.
    """
    device, rows, folds = choose_device(fit.device), training_rows(states, split), split.folds[: fit.folds]
    metadata = {"split": describe_split(split, folds), "provenance": provenance}
    memory = _STATES_SHARE * fit.memory_mb * 1e6
    for kind in fit.kinds:
        settings = make_settings(kind, fit.settings)
        for control in ["none", *fit.controls]:
            probe = fit_iterative(rows, split, folds, kind, settings, control, split.seed, metadata, memory, device)
            probe.save(output / probe.file_name)


def fit_iterative(
    rows: TrainingRows,
    split: Split,
    folds: tuple[Fold, ...],
    kind: str,
    settings: Settings,
    control: str,
    seed: int,
    metadata: Mapping[str, Any],
    memory: float = inf,
    device: torch.device | str = "cpu",
) -> Probe:
    """Fit one kind of probe on all layers and the given folds.

    In each fold every candidate of the settings is trained, and the validation values choose one for each layer. A
    fold without validation values borrows its first inner group; the chosen candidate is then trained again on all
    training values, for the number of steps that was best.

    Parameters
    ----------
    rows, split, folds
        The training rows, the values and blocks, and the folds to fit.
    kind, settings
        "sinusoidal", "wave" or "mlp", and its settings.
    control
        "none", "shuffled" or "gaussian".
    seed, metadata
        The study's seed, and what is stored in the probe.
    memory
        Bytes that the states may take: as many layers as fit into it train together, at least one. Layers share only
        the order of the rows, so the probe does not depend on it (to the bit, if width, latent and batch are multiples
        of 16: rounding depends on where in memory a layer begins).
    device
        Where probes are trained. Random draws are the same on all devices, rounding is not.

    Raises
    ------
    NumprobeError
        If the folder is incomplete, or a fold has no rows to train or to validate on.
    """
    labels = torch.from_numpy(control_labels(control, rows.values, split, seed) - split.minimum)
    block = split.block_of(rows.values)
    fitted: dict[str, list[Fitted]] = {}
    constant: list[str] = []
    for group in _layer_groups(rows, control, memory):
        states, without = _load(rows, group, control, seed)
        constant += without
        data = IterativeData(kind, settings, split, states, labels, block, seed, device)
        fitted |= data.fit_folds(folds, f"{kind}, {control}")
    described = {"control": control, "settings": asdict(settings)}
    tensors, chosen = _by_fold(folds, fitted)
    return Probe(
        kind=kind,
        numbers=split.values,
        layers=tuple(fitted),
        folds=tuple(fold.name for fold in folds),
        constant=tuple(constant),
        width=rows.width,
        metadata={**rows.described, **metadata, **described, "chosen": chosen},
        tensors=tensors,
    )


def _by_fold(
    folds: Sequence[Fold], fitted: Mapping[str, Sequence[Fitted]]
) -> tuple[dict[tuple[str, str], Tensors], dict[str, Choice]]:
    """Return the tensors by (layer, fold), and the choices by LAYER/FOLD: all layers of the first fold, and so on."""
    tensors, chosen = {}, {}
    for place, fold in enumerate(folds):
        for layer, results in fitted.items():
            tensors[layer, fold.name], chosen[f"{layer}/{fold.name}"] = results[place]
    return tensors, chosen


def _layer_groups(rows: TrainingRows, control: str, memory: float) -> list[tuple[str, ...]]:
    """Return groups of layers that are in memory together, in the order of the model."""
    if control == "gaussian":
        return [(GAUSSIAN_LAYER,)]
    # Both the stored and the standardised states are in memory.
    needed = len(rows.values) * rows.width * (rows.item_bytes + 4)
    count = int(min(max(1, memory // needed), len(rows.layers)))
    return [rows.layers[start : start + count] for start in range(0, len(rows.layers), count)]


def _load(
    rows: TrainingRows, layers: tuple[str, ...], control: str, seed: int
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the stored states [n, d] of the layers that can be probed, and the names of the constant layers."""
    if control == "gaussian":
        return {GAUSSIAN_LAYER: gaussian_states(rows.values, rows.width, seed)}, []
    states = {layer: rows.states(layer) for layer in layers}
    constant = [layer for layer, array in states.items() if is_constant(array)]
    return {layer: array for layer, array in states.items() if layer not in constant}, constant


def is_constant(states: np.ndarray) -> bool:
    """Return whether all states [n, d] are one vector, up to rounding."""
    scale = _mean_and_scale(states, slice(None))[1]
    size = sum(float((block.astype(np.float64) ** 2).sum()) for block in _blocks(states)) / len(states)
    return bool(states.shape[1] * scale**2 <= CONSTANT_TOLERANCE * size)


def _mean_and_scale(states: np.ndarray, used: np.ndarray | slice) -> tuple[np.ndarray, float]:
    """Return the mean, float64 [d], and the root mean squared deviation of the used rows."""
    chosen = states[used]
    mean = np.sum([block.sum(axis=0, dtype=np.float64) for block in _blocks(chosen)], axis=0) / len(chosen)
    squares = sum(float(((block - mean) ** 2).sum()) for block in _blocks(chosen))
    return mean, float(np.sqrt(squares / chosen.size))


def _blocks(states: np.ndarray) -> Iterator[np.ndarray]:
    """Yield views of some rows at a time, so that copies in float64 stay small."""
    return (states[start : start + _BLOCK] for start in range(0, len(states), _BLOCK))


@dataclass(frozen=True, eq=False)
class _Inputs:
    """Standardised states float32 [L, n, d] of all rows, with the mean [L, d] and the scale [L] that were used."""

    states: torch.Tensor
    mean: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class IterativeData:
    """Inputs that the folds of one fit share.

    Attributes
    ----------
    kind, settings
        What is fitted.
    split
        Gives the range of candidates.
    states
        Layer -> float32 [n, d]; no constant layers.
    labels
        int64 [n]: index of each row's label among the candidates.
    block
        int [n]: the block of each row, on which folds are based.
    seed
        The study's seed.
    device
        Where probes are trained.
    """

    kind: str
    settings: Settings
    split: Split
    states: Mapping[str, np.ndarray]
    labels: torch.Tensor
    block: np.ndarray
    seed: int
    device: torch.device | str = "cpu"

    def fit_folds(self, folds: Sequence[Fold], label: str) -> dict[str, list[Fitted]]:
        """Return what is fitted for each layer, fold by fold; `label` names the progress bar."""
        shown = tqdm(folds if self.states else (), desc=label, unit="fold")
        found = [self.fit_fold(fold) for fold in shown]
        return {layer: [results[place] for results in found] for place, layer in enumerate(self.states)}

    def fit_fold(self, fold: Fold) -> list[Fitted]:
        """Return for each layer the fitted tensors, and the choice with its validation accuracy."""
        borrowed = () if fold.validation else fold.inner[0]
        blocks = tuple(block for block in fold.train if block not in borrowed)
        inputs = self._inputs(blocks)
        layers = list(range(len(self.states)))
        tried = [
            self._train(inputs, layers, blocks, fold.validation or borrowed, candidate)
            for candidate in self.settings.candidates
        ]
        best = [_best(tried, layer) for layer in layers]
        choices = [self._choice(tried[best[layer]], best[layer], layer) for layer in layers]
        if borrowed:
            return list(zip(self._train_again(fold, choices), choices, strict=True))
        return [(self._tensors(inputs, layer, tried[best[layer]], layer), choices[layer]) for layer in layers]

    def _train_again(self, fold: Fold, choices: list[Choice]) -> list[Tensors]:
        """Train on all training values; layers with the same choice train together."""
        inputs = self._inputs(fold.train)
        alike: dict[tuple[float, float, float], list[int]] = {}
        for layer, choice in enumerate(choices):
            alike.setdefault((choice["learning_rate"], choice["l1"], choice["steps"]), []).append(layer)
        fitted: dict[int, Tensors] = {}
        for (learning_rate, l1, steps), layers in alike.items():
            trained = self._train(inputs, layers, fold.train, (), (learning_rate, l1), int(steps))
            fitted |= {layer: self._tensors(inputs, layer, trained, at) for at, layer in enumerate(layers)}
        return [fitted[layer] for layer in range(len(choices))]

    def _inputs(self, blocks: tuple[int, ...]) -> _Inputs:
        used = np.isin(self.block, blocks)
        if not used.any():
            raise NumprobeError(f"{self.kind}: a fold has no rows to train on; use fewer folds (split.folds)")
        layers = list(self.states.values())
        standard = np.empty((len(layers), *layers[0].shape), dtype=np.float32)
        means, scales = [], []
        for states, filled in zip(layers, standard, strict=True):
            mean, scale = np.zeros(states.shape[1]), 1.0
            if self.settings.standardise:
                mean, scale = _mean_and_scale(states, used)
            for given, block in zip(_blocks(states), _blocks(filled), strict=True):
                block[:] = (given - mean) / scale
            means.append(mean)
            scales.append(scale)
        return _Inputs(torch.from_numpy(standard).to(self.device), np.stack(means), np.array(scales))

    def _train(
        self,
        inputs: _Inputs,
        layers: list[int],
        blocks: tuple[int, ...],
        validation: tuple[int, ...],
        candidate: tuple[float, float],
        steps: int | None = None,
    ) -> Trained:
        family = self._family()
        names = list(self.states)
        seeds = [derive_seed(self.seed, "probe", self.kind, names[layer]) for layer in layers]
        order = derive_seed(self.seed, "probe", self.kind, "batches")
        states = inputs.states if len(layers) == len(inputs.states) else inputs.states[layers]
        held_out = self._rows(states, validation) if validation else None
        if held_out is not None and len(held_out.labels) == 0:
            raise NumprobeError(f"{self.kind}: a fold has no rows to validate on; use fewer folds or inner groups")
        return train(family, self._rows(states, blocks), held_out, *candidate, seeds, order, steps)

    def _family(self) -> Family:
        width = next(iter(self.states.values())).shape[1]
        return FAMILIES[self.kind](self.settings, self.split.minimum, self.split.maximum, width, self.device)

    def _rows(self, states: torch.Tensor, blocks: tuple[int, ...]) -> Rows:
        place = torch.from_numpy(np.flatnonzero(np.isin(self.block, blocks)))
        return Rows(states, self.labels[place].to(self.device), place.to(self.device))

    def _choice(self, trained: Trained, index: int, layer: int) -> Choice:
        learning_rate, l1 = self.settings.candidates[index]
        return {
            "learning_rate": learning_rate,
            "l1": l1,
            "steps": int(trained.step[layer]),
            "validation_accuracy": float(trained.accuracy[layer]),
        }

    def _tensors(self, inputs: _Inputs, layer: int, trained: Trained, at: int) -> Tensors:
        family = self._family()
        parameters = {name: value[at : at + 1] for name, value in trained.parameters.items()}
        classes = family.classes(parameters, family.everything)[0].cpu()
        parameters = {name: value.cpu() for name, value in parameters.items()}
        own = {name: parameters[name][0, 0].numpy() for name in OWN_VECTORS if name in parameters}
        if "hidden_weight" in parameters:
            own["hidden_weight"] = parameters["hidden_weight"][0].numpy()
        return {
            "mean": inputs.mean[layer],
            "scale": inputs.scale[layer : layer + 1],
            "weight": parameters["weight"][0].numpy(),
            "bias": parameters["bias"][0, 0].numpy(),
            "classes": classes.numpy(),
            **own,
        }


def _best(tried: list[Trained], layer: int) -> int:
    """Return the candidate with the highest validation accuracy, and the smallest loss among equals."""
    return max(range(len(tried)), key=lambda index: (tried[index].accuracy[layer], -tried[index].loss[layer]))
