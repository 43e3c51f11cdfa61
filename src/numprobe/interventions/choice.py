"""Divide prompts into those that choose a layer and a strength and those that are reported."""

from collections.abc import Mapping

import numpy as np

from numprobe.layers import layer_order
from numprobe.seeding import derive_seed

#: The column `part` of tables of interventions.
VALIDATION, TEST = "validation", "test"


def is_validation(values: np.ndarray, seed: int) -> np.ndarray:
    """Return whether a prompt is used to choose, bool of the shape of `values`; half of all numbers are, by hash.

    Parameters
    ----------
    values
        int [n]: the deciding number, such as the true result: all prompts of one number are on the same side.
    seed
        The study's seed.
    """
    known = {int(value): derive_seed(seed, "choice", int(value)) % 2 == 0 for value in np.unique(values)}
    return np.array([known[int(value)] for value in np.asarray(values).ravel()], dtype=bool).reshape(np.shape(values))


def best_setting(gains: Mapping[tuple[str, float], float]) -> tuple[str, float]:
    """Return the layer and strength with the largest gain; among equals the smallest strength, then the first layer.

    Parameters
    ----------
    gains
        (layer, strength) -> gain on the prompts that choose, such as the change in accuracy.
    """
    order = layer_order(layer for layer, _ in gains)
    return min(gains, key=lambda setting: (-gains[setting], setting[1], order.index(setting[0])))
