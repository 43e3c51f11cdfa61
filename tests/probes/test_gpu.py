"""Probes that are fitted on a GPU are those of the CPU; without a GPU the closed form runs by torch on the CPU."""

import numpy as np
import pytest
import torch
from tests.probes.planted import held_out_accuracy, split_of, waves, write_folder

from numprobe.probes import closed_form as closed_form_of_layer
from numprobe.probes.codes import CODES
from numprobe.probes.dataset import training_rows
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_iterative import fit_iterative
from numprobe.probes.settings import make_settings

VALUES = np.repeat(np.arange(400), 2)
SPLIT = split_of(399, folds=5)
STATES = waves(VALUES, periods=(2, 4, 5, 10, 20, 100, 400), width=48, noise=0.05)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PLAN = ["none", "shuffled", "gaussian"]
QUICK = {
    "sinusoidal": {
        "basis": "fourier",
        "latent": 32,
        "steps": 300,
        "batch": 256,
        "learning_rates": [1e-2],
        "l1": [1e-2],
    },
    "wave": {"latent": 208, "steps": 150, "batch": 64, "l1": [3e-3]},
    "mlp": {"latent": 112, "steps": 200, "batch": 256, "learning_rates": [1e-2]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Waves; waves that fill a third of the space; one vector."""
    image = np.random.default_rng(0).standard_normal((16, 48))
    narrow = waves(VALUES, periods=(2, 5, 10, 100), width=16, noise=0.05) @ image
    layers = {"0": STATES, "1": 50 * narrow + 20, "2": np.ones_like(STATES)}
    return write_folder(tmp_path_factory.mktemp("states"), layers, VALUES)


def closed_form(folder, device):
    return fit_closed_form(training_rows(folder, SPLIT), SPLIT, list(CODES), PLAN[1:], 0, {}, device=device)


@pytest.mark.parametrize("wide", [0, 256])
def test_closed_form_probes_are_those_of_numpy(folder, monkeypatch, wide):
    """Also where waves are solved for through the values, as in wide states."""
    monkeypatch.setattr(closed_form_of_layer, "_WIDE", wide)
    here, there = closed_form(folder, None), closed_form(folder, DEVICE)
    assert here.keys() == there.keys()
    for key, probe in here.items():
        found = there[key]
        assert (found.layers, found.constant, found.folds) == (probe.layers, probe.constant, probe.folds)
        for place, tensors in probe.tensors.items():
            for name, tensor in tensors.items():
                other = found.tensors[place][name]
                assert other.shape == tensor.shape and other.dtype == tensor.dtype
                assert np.abs(other - tensor).max(initial=0) <= 1e-3 * np.abs(tensor).max(initial=0), (key, place, name)
    assert held_out_accuracy(there["fourier", "none"], STATES, VALUES, SPLIT) > 0.8


def test_the_same_bytes_every_time(folder):
    first, again = closed_form(folder, DEVICE), closed_form(folder, DEVICE)
    for key, probe in first.items():
        for place, tensors in probe.tensors.items():
            assert all(np.array_equal(tensor, again[key].tensors[place][name]) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.skipif(DEVICE == "cpu", reason="there is no GPU here")
def test_descents_read_as_well_as_those_of_the_cpu(folder, kind):
    """Rounding adds up over steps, so probes differ; what they read of unseen numbers hardly does."""
    rows, settings = training_rows(folder, SPLIT), make_settings(kind, QUICK[kind])
    here, there, again = (
        fit_iterative(rows, SPLIT, SPLIT.folds[:1], kind, settings, "none", 0, {}, device=device)
        for device in ("cpu", DEVICE, DEVICE)
    )
    assert here.layers == there.layers == ("0", "1")
    read = [probe.metadata["chosen"]["0/0"]["validation_accuracy"] for probe in (here, there)]
    assert min(read) > 0.5 and abs(read[0] - read[1]) < 0.1
    for place, tensors in there.tensors.items():
        assert all(np.array_equal(tensor, again.tensors[place][name]) for name, tensor in tensors.items())
