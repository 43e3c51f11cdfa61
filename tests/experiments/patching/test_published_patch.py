"""The published patch is read correctly by its probe, and is where it was drawn in all that the probe does not see."""

import numpy as np
import pytest

from numprobe.experiments.patching.published_patch import published_patches
from numprobe.probes.probe import Probe

NUMBERS, WIDTH, SEEN = np.arange(5, 25), 12, 6


@pytest.fixture(scope="module")
def probe():
    random = np.random.default_rng(0)
    angle = 2 * np.pi * NUMBERS[:, None] / np.array([2.5, 5, 20])
    tensors = {
        "mean": np.zeros(WIDTH),
        "scale": np.ones(1),
        "weight": random.standard_normal((WIDTH, SEEN)).astype(np.float32),
        "bias": np.zeros(SEEN, dtype=np.float32),
        "classes": np.hstack([np.cos(angle), np.sin(angle)]).astype(np.float32),
    }
    places = {(layer, fold): tensors for layer in ("1", "2") for fold in ("all", "0")}
    return Probe("wave", NUMBERS, ("1", "2"), ("all", "0"), (), WIDTH, {}, places)


def test_the_probe_reads_each_state_as_its_number(probe):
    patches = published_patches(probe, ["1"], 3000, 0)
    states = patches.states(NUMBERS, "1", "0")
    assert np.array_equal(probe.decode(states, "1", "0"), NUMBERS)
    assert np.array_equal(patches.states(np.array([9, 5]), "1", "0"), states[[4, 0]])


def test_only_layers_of_the_probe_and_folds_that_leave_numbers_out_are_fitted(probe):
    patches = published_patches(probe, ["1", "2", "3"], 2, 0)
    assert patches.layers == ("1", "2") and patches.folds == ("0",)
    assert not np.allclose(patches.patches["1", "0"], patches.patches["2", "0"])


def test_what_the_probe_does_not_see_stays_as_drawn(probe):
    start, end = (published_patches(probe, ["1"], steps, 0).patches["1", "0"] for steps in (0, 500))
    assert abs(start.std() - 1) < 0.1
    seen = np.linalg.qr(probe.tensors["1", "0"]["weight"])[0]
    moved = end - start
    assert np.allclose(moved, moved @ seen @ seen.T, atol=1e-4) and np.abs(moved).max() > 0.1
