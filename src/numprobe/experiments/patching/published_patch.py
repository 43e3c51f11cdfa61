"""The patch of arXiv 2510.26285 as published: states that a frozen `wave` probe reads as each number.

Unlike the forward model, this accepts any state that the probe reads well, however far from the model's states;
directions that the probe ignores keep their random initial values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from numprobe.probes.probe import ALL, Probe
from numprobe.seeding import derive_seed

_LEARNING_RATE, _LAST_RATE = 0.1, 0.01


@dataclass(frozen=True, eq=False)
class PublishedPatches:
    """A state for every number, layer and fold.

    Attributes
    ----------
    minimum
        The smallest number.
    layers, folds
        Names of the layers and folds.
    width
        Components per state.
    patches
        (layer, fold) -> float32 [N, width].
    """

    minimum: int
    layers: tuple[str, ...]
    folds: tuple[str, ...]
    width: int
    patches: Mapping[tuple[str, str], np.ndarray]

    def states(self, values: np.ndarray, layer: str, fold: str) -> np.ndarray:
        """Return the states of the numbers `values`, int [n]: float32 [n, width]."""
        return np.asarray(self.patches[layer, fold][np.asarray(values) - self.minimum])


def published_patches(
    probe: Probe, layers: Sequence[str], steps: int, seed: int, device: torch.device | str = "cpu"
) -> PublishedPatches:
    """Fit states for every layer and every fold that leaves numbers out.

    They start from standard normal components and follow gradient descent on the mean cross entropy of the probe's
    scores, with all numbers in every step and a rate that falls linearly from 0.1 to 0.01 over half of the steps.

    Parameters
    ----------
    probe
        A probe of the kind `wave`.
    layers
        Layers to fit; those that the probe does not read are left out.
    steps
        Gradient steps.
    seed
        The study's seed.
    device
        Where to compute.
    """
    known = tuple(layer for layer in layers if layer in probe.layers)
    folds = tuple(fold for fold in probe.folds if fold != ALL)
    places = tqdm([(layer, fold) for layer in known for fold in folds], desc="patches", unit="patch")
    patches = {
        place: _fit(probe, place, steps, derive_seed(seed, "published patch", *place), device) for place in places
    }
    return PublishedPatches(int(probe.numbers[0]), known, folds, probe.width, patches)


def _fit(probe: Probe, place: tuple[str, str], steps: int, seed: int, device: torch.device | str) -> np.ndarray:
    frozen = {
        name: torch.tensor(array, dtype=torch.float32, device=device) for name, array in probe.tensors[place].items()
    }
    labels = torch.arange(len(probe.numbers), device=device)
    drawn = torch.randn(len(probe.numbers), probe.width, generator=torch.Generator().manual_seed(seed))
    states = drawn.to(device).requires_grad_()
    optimiser = torch.optim.SGD([states], lr=_LEARNING_RATE)
    falling = max(1, steps // 2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, _LAST_RATE / _LEARNING_RATE, falling)
    for _ in range(steps):
        latent = (states - frozen["mean"]) / frozen["scale"] @ frozen["weight"] + frozen["bias"]
        loss = cross_entropy(latent @ frozen["classes"].T, labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return np.asarray(states.detach().cpu().numpy())
