import numpy as np
import pytest
import torch
from tests.probes.planted import fit, held_out_accuracy, split_of, waves, write_folder

from numprobe.errors import NumprobeError
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.dataset import training_rows
from numprobe.probes.fit_iterative import fit_iterative
from numprobe.probes.iterative import Family, Rows, Wave, evaluate, positional_basis, train
from numprobe.probes.probe import load_probe
from numprobe.probes.settings import DEFAULTS, PUBLISHED, make_settings
from numprobe.splits import Fold, make_split

VALUES = np.arange(400)
SPLIT = split_of(399, folds=5)
STATES = waves(VALUES, periods=(2, 4, 5, 10, 20, 100, 400), width=24)
QUICK = {
    "sinusoidal": {"latent": 20, "steps": 300, "batch": 64, "l1": 1e-3, "learning_rates": 3e-2},
    "wave": {"latent": 200, "steps": 120, "batch": 64, "l1": [3e-3]},
    "mlp": {"latent": 100, "steps": 150, "batch": 64, "learning_rates": [1e-2]},
}


def fitted(folder, kind, control="none", changes=(), folds=1, split=SPLIT):
    rows = training_rows(folder, split)
    settings = make_settings(kind, {**QUICK[kind], **dict(changes)})
    return fit_iterative(rows, split, split.folds[:folds], kind, settings, control, 0, {})


def accuracy(probe, states, layer="0", labels=VALUES, split=SPLIT):
    tested = np.isin(split.block, split.folds[0].test)
    return (probe.decode(states[tested], layer, split.folds[0].name) == labels[tested]).mean()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    layers = {"0": STATES, "1": 50 * STATES + 20, "2": np.ones_like(STATES)}
    return write_folder(tmp_path_factory.mktemp("states"), layers, VALUES)


def test_waves_read_unseen_numbers_in_every_layer_whatever_its_scale(folder):
    probe = fitted(folder, "wave")
    assert probe.layers == ("0", "1") and probe.constant == ("2",) and probe.folds == ("0",)
    assert accuracy(probe, STATES) > 0.8
    assert accuracy(probe, 50 * STATES + 20, "1") > 0.8
    assert probe.tensors["0", "0"]["frequency"].shape == (200,)
    assert probe.metadata["chosen"]["0/0"]["validation_accuracy"] > 0.5


def test_a_hidden_layer_reads_digits_of_unseen_numbers_that_no_linear_map_sees(tmp_path):
    """One-hot digits times a random sign: without correlation with any linear map, but plain to absolute values."""
    sign = np.random.default_rng(0).choice([-1.0, 1.0], size=(400, 1))
    states = sign * make_code("digits", 0, 399).matrix
    probe = fitted(write_folder(tmp_path / "states", {"0": states}, VALUES), "mlp")
    assert accuracy(probe, states) > 0.9
    linear = fit("digits", states, VALUES, SPLIT)
    assert held_out_accuracy(linear, states, VALUES, SPLIT) < 0.1
    assert probe.tensors["0", "0"]["hidden_weight"].shape == (24, 100)
    probe.save(tmp_path / "probe")
    assert np.array_equal(load_probe(tmp_path / "probe").scores(states, "0", "0"), probe.scores(states, "0", "0"))


def test_mlp_reads_unseen_numbers_and_not_under_controls(folder):
    assert accuracy(fitted(folder, "mlp"), STATES) > 0.6
    labels = control_labels("shuffled", VALUES, SPLIT, 0)
    assert accuracy(fitted(folder, "mlp", "shuffled"), STATES, labels=labels) < 0.1


def test_controls_are_at_chance(folder):
    labels = control_labels("shuffled", VALUES, SPLIT, 0)
    assert accuracy(fitted(folder, "wave", "shuffled"), STATES, labels=labels) < 0.1
    assert fitted(folder, "wave", "gaussian").layers == ("gaussian",)


def test_sinusoidal_reads_unseen_numbers_that_are_written_in_its_basis(tmp_path):
    basis = positional_basis(VALUES, 24, 2 * np.pi, 2000 * np.pi)
    states = basis @ np.random.default_rng(0).standard_normal((24, 24))
    probe = fitted(write_folder(tmp_path / "states", {"0": states}, VALUES), "sinusoidal")
    assert accuracy(probe, states) > 0.9
    probe.save(tmp_path / "probe")
    loaded = load_probe(tmp_path / "probe")
    assert np.array_equal(loaded.scores(states, "0", "0"), probe.scores(states, "0", "0"))
    assert loaded.metadata["settings"]["latent"] == 20


def test_the_fourier_basis_is_a_setting(folder):
    probe = fitted(folder, "sinusoidal", changes={"basis": "fourier", "steps": 20})
    assert probe.metadata["settings"]["basis"] == "fourier"
    assert probe.tensors["0", "0"]["classes"].shape == (400, 20)


@pytest.mark.parametrize("kind", ["wave", "sinusoidal", "mlp"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_layers_that_do_not_fit_into_memory_together_are_fitted_to_the_same_bytes(tmp_path, kind, dtype):
    """With sizes that are multiples of 16, as in all real models; else some last bits depend on the neighbours."""
    values = np.arange(400)
    states = {str(layer): waves(values, periods=(2, 5, 100 + layer), width=32) for layer in range(5)}
    states["2"] = np.ones_like(states["2"])
    folder = write_folder(tmp_path / "states", states, values, dtype=dtype)
    rows = training_rows(folder, SPLIT)
    settings = make_settings(kind, {"latent": 16, "steps": 10, "batch": 32})
    one = len(values) * 32 * (rows.item_bytes + 4)
    saved = {}
    for memory in (np.inf, 2.5 * one, 0):
        probe = fit_iterative(rows, SPLIT, SPLIT.folds[:2], kind, settings, "none", 0, {}, memory)
        assert probe.layers == ("0", "1", "3", "4") and probe.constant == ("2",)
        probe.save(tmp_path / "probe")
        saved[memory] = (tmp_path / "probe").read_bytes()
    assert len(set(saved.values())) == 1


def test_same_seed_same_probe(folder, tmp_path):
    fitted(folder, "wave", changes={"steps": 10}).save(tmp_path / "one")
    fitted(folder, "wave", changes={"steps": 10}).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("kind", ["wave", "sinusoidal", "mlp"])
def test_held_out_values_do_not_influence_their_fold_in_any_bit(folder, tmp_path, kind):
    changed = STATES.copy()
    changed[np.isin(SPLIT.block, SPLIT.folds[0].test)] *= -3
    layers = {"0": changed, "1": 50 * changed + 20, "2": np.ones_like(changed)}
    other = write_folder(tmp_path / "changed", layers, VALUES)
    before = fitted(folder, kind, changes={"steps": 10}).tensors["0", "0"]
    after = fitted(other, kind, changes={"steps": 10}).tensors["0", "0"]
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_numbers_without_training_rows_are_no_classes():
    """Their class vectors get no gradient: with a basis of one column per number they stay where they began."""

    class OneHot(Family):
        def classes(self, parameters, chosen):
            return parameters["class"][:, chosen]

        def _draw(self, generator):
            weight, bias = self._affine(self.width, generator)
            return {"weight": weight, "bias": bias, "class": torch.rand(400, 8, generator=generator)}

    family = OneHot(make_settings("wave", {"latent": 8, "steps": 5, "batch": 32}), 0, 399, 24)
    seen = torch.arange(0, 400, 2)
    rows = Rows(torch.tensor(STATES[::2], dtype=torch.float32)[None], seen)
    validation = Rows(torch.tensor(STATES[1::2], dtype=torch.float32)[None], seen + 1)
    trained = train(family, rows, validation, 0.1, 0.0, [3], 0)
    began = family.initial([3])["class"]
    moved = (trained.parameters["class"] != began).any(dim=2)[0]
    assert moved[::2].all() and not moved[1::2].any()


def test_the_best_state_is_a_copy_of_the_step_that_validated_best():
    """Random states can only be learned by heart: an early state validates best, and is kept bit for bit."""
    settings = make_settings(
        "wave", {**QUICK["wave"], "steps": 60, "evaluate_every": 5, "warm_steps": 1, "final_rate": 1.0}
    )
    family = Wave(settings, 0, 399, 24)
    odd = VALUES % 5 == 1
    states = torch.randn(1, 400, 24, generator=torch.Generator().manual_seed(0))
    rows = Rows(states[:, ~odd], torch.tensor(VALUES[~odd]))
    validation = Rows(states[:, odd], torch.tensor(VALUES[odd]))
    trained = train(family, rows, validation, 0.1, 0.0, [1], 2)
    best = int(trained.step[0])
    assert best % 5 == 0 and 0 < best < 60
    again = train(family, rows, None, 0.1, 0.0, [1], 2, steps=best)
    assert all(torch.equal(trained.parameters[name], again.parameters[name]) for name in again.parameters)
    scores = evaluate(family, trained.parameters, validation)
    assert (scores[0][0], scores[1][0]) == pytest.approx((trained.accuracy[0], trained.loss[0]))


def test_training_stops_early_only_when_no_layer_improves():
    settings = make_settings("wave", {**QUICK["wave"], "evaluate_every": 1, "patience": 2, "steps": 50})
    family = Wave(settings, 0, 399, 24)
    calls = []
    family.classes = lambda parameters, chosen: calls.append(0) or Wave.classes(family, parameters, chosen)
    states = torch.zeros(2, 100, 24)
    rows, validation = Rows(states, torch.arange(100)), Rows(states, torch.arange(100, 200))
    train(family, rows, validation, 0.0, 0.0, [1, 2], 0)
    # The first evaluation is the best there is, two more bring nothing: three steps, each with one evaluation.
    assert len(calls) == 6


def test_own_validation_values_choose_and_do_not_train(folder):
    fold = Fold("own", (0,), (1,), (2, 3, 4), ((2,), (3,), (4,)))
    rows = training_rows(folder, SPLIT)
    settings = make_settings("wave", {**QUICK["wave"], "l1": [3e-3, 10.0]})
    probe = fit_iterative(rows, SPLIT, (fold,), "wave", settings, "none", 0, {})
    assert probe.metadata["chosen"]["0/own"]["l1"] == 3e-3
    validation = np.isin(SPLIT.block, (1,))
    right = (probe.decode(STATES[validation], "0", "own") == VALUES[validation]).mean()
    assert right == pytest.approx(probe.metadata["chosen"]["0/own"]["validation_accuracy"])


def test_positional_basis_has_the_published_frequencies():
    basis = positional_basis(np.arange(1000), 64, 2 * np.pi, 2000 * np.pi)
    assert basis.shape == (1000, 64)
    frequency = 1000 ** (-2 * np.arange(32) / 64)
    assert np.allclose(basis[1, ::2], np.sin(frequency)) and np.allclose(basis[7, 1::2], np.cos(7 * frequency))


def test_published_settings_are_those_of_the_paper_and_run(folder):
    wave, sinusoidal = make_settings("wave", {"published": True}), make_settings("sinusoidal", {"published": True})
    assert (wave.steps, wave.batch, wave.candidates, wave.weight_decay) == (30_001, 64, ((1e-4, 0.0),), 1e-3)
    assert (sinusoidal.steps, sinusoidal.batch, sinusoidal.candidates) == (10_001, 1024, ((1e-3, 1e-3),))
    assert not wave.standardise and not sinusoidal.standardise
    assert make_settings("wave", {"published": False}) == DEFAULTS["wave"] != PUBLISHED["wave"]
    changes = {"published": True, "steps": 5, "basis": "positional", "l1": 1e-3, "learning_rates": 1e-3}
    probe = fitted(folder, "sinusoidal", changes=changes)
    assert (probe.tensors["0", "0"]["mean"] == 0).all() and probe.tensors["0", "0"]["scale"] == 1


def test_states_of_small_norm_are_not_read_without_standardising_as_with_the_published_settings(tmp_path):
    """Rows of embedding matrices are small. Nothing but the scale differs between the first two."""
    small = write_folder(tmp_path / "small", {"0": 0.02 * STATES}, VALUES)
    shortened = {"published": True, "learning_rates": 1e-4, "l1": 0.0}
    assert accuracy(fitted(small, "wave"), 0.02 * STATES) > 0.8
    for changes in ({"standardise": False}, shortened):
        assert accuracy(fitted(small, "wave", changes=changes), 0.02 * STATES) < 0.1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"depth": 3}, "wave: there is no setting 'depth': choose from latent"),
        ({"steps": 1.5}, "wave: setting 'steps' must be int, not 1.5"),
        ({"steps": True}, "wave: setting 'steps' must be int, not True"),
        ({"l1": ["a"]}, "wave: setting 'l1' must be float"),
        ({"published": 1}, "wave: setting 'published' must be bool, not 1"),
        ({"basis": "wavelet"}, "basis must be positional or fourier, not 'wavelet'"),
    ],
)
def test_wrong_settings_are_refused(given, message):
    with pytest.raises(NumprobeError, match=message):
        make_settings("wave", given)


def test_mlp_has_no_published_settings():
    with pytest.raises(NumprobeError, match="mlp: there are no published settings"):
        make_settings("mlp", {"published": True})


def test_unknown_kinds_and_empty_folds_are_refused(folder, tmp_path):
    with pytest.raises(NumprobeError, match="no iterative probe 'fourier'"):
        make_settings("fourier", {})
    split = make_split(0, 399, "folds", 5, 3, 0)
    present = np.isin(split.block, split.folds[0].test)
    lonely = write_folder(tmp_path / "lonely", {"0": STATES[present]}, VALUES[present])
    with pytest.raises(NumprobeError, match="no rows to train on"):
        fitted(lonely, "wave")
