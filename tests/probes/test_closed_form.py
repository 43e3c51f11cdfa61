import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.probes.planted import fit, held_out_accuracy, split_of, waves

from numprobe.probes import closed_form
from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.probes.statistics import accumulate

VALUES = np.arange(1000)
SPLIT = split_of()


@pytest.fixture(scope="module")
def states():
    return waves(VALUES)


def test_planted_waves_are_read_and_their_periods_found(states):
    probe = fit("fourier", states, VALUES, SPLIT)
    assert held_out_accuracy(probe, states, VALUES, SPLIT) > 0.98
    columns = probe.tensors["0", "0"]["columns"]
    strongest = np.argsort(probe.tensors["0", "0"]["precision"])[-8:]
    frequencies = (columns[strongest] + 2) // 2
    assert set(frequencies) == {1, 10, 100, 200} or set(frequencies) == {1, 10, 100, 200, 500}


def test_several_rows_per_number_help(states):
    values = np.tile(VALUES, 4)
    noisy = waves(values, noise=0.15)
    once, often = VALUES, values
    alone = held_out_accuracy(fit("fourier", noisy[:1000], once, SPLIT), noisy[:1000], once, SPLIT)
    together = held_out_accuracy(fit("fourier", noisy, often, SPLIT), noisy[:1000], once, SPLIT)
    assert together >= alone > 0.1


@pytest.mark.parametrize("kind", ["fourier", "digits"])
def test_controls_are_at_chance(states, kind):
    probe = fit(kind, states, VALUES, SPLIT, control="shuffled")
    labels = control_labels("shuffled", VALUES, SPLIT, 0)
    assert held_out_accuracy(probe, states, VALUES, SPLIT, labels) < 0.01
    random = gaussian_states(VALUES, 24, seed=0)
    assert held_out_accuracy(fit(kind, random, VALUES, SPLIT), random, VALUES, SPLIT) < 0.01


def test_a_complete_fourier_basis_without_weights_reads_no_unseen_number(states):
    """It is a rotation of the one-hot code: unweighted, its scores of unseen numbers are those of no information."""
    train = SPLIT.block != 0
    matrix = make_code("fourier", 0, 999).matrix
    mean, target = states[train].mean(axis=0), matrix[train].mean(axis=0)
    weight, *_ = np.linalg.lstsq(states[train] - mean, matrix[train] - target, rcond=None)
    classes = matrix - target
    scores = ((states[~train] - mean) @ weight) @ classes.T - 0.5 * (classes**2).sum(axis=1)
    assert (scores.argmax(axis=1) == VALUES[~train]).mean() < 0.01


def test_a_line_is_read_by_linear_and_its_logarithm_by_log():
    random = np.random.default_rng(0)
    direction = random.standard_normal(12)
    for kind, code in (("linear", VALUES), ("log", np.log1p(VALUES))):
        states = np.outer(code / code.max(), direction) + 1e-6 * random.standard_normal((1000, 12))
        probe = fit(kind, states, VALUES, SPLIT)
        predicted = probe.decode(states, "0")
        assert np.corrcoef(predicted, VALUES)[0, 1] > 0.999
        assert probe.scores(states[:3], "0").shape == (3, 1000)
    # The ridge penalty shrinks towards the mean; the order of the numbers is unchanged.
    assert (np.diff(predicted) >= 0).all()


def test_one_hot_digits_are_read_by_digits():
    one_hot = make_code("digits", 0, 999).matrix
    states = one_hot @ np.random.default_rng(0).standard_normal((30, 40))
    assert held_out_accuracy(fit("digits", states, VALUES, SPLIT), states, VALUES, SPLIT) > 0.99


def test_circles_of_digits_are_read_by_circular():
    states = make_code("circular", 0, 999).matrix @ np.random.default_rng(0).standard_normal((6, 24))
    assert held_out_accuracy(fit("circular", states, VALUES, SPLIT), states, VALUES, SPLIT) > 0.99


def test_a_helix_is_read_by_helix_whatever_the_unit_of_its_line():
    code = make_code("helix", 0, 999).matrix * ([30] + 7 * [1])
    states = code @ np.random.default_rng(0).standard_normal((8, 24))
    assert held_out_accuracy(fit("helix", states, VALUES, SPLIT), states, VALUES, SPLIT) > 0.9


def test_states_in_which_no_column_is_predicted_are_all_read_as_the_smallest_number():
    states = np.random.default_rng(0).standard_normal((1000, 24))
    probe = fit("helix", states, VALUES, SPLIT)
    nothing = [fold for fold in probe.folds if probe.tensors["0", fold]["weight"].shape == (24, 0)]
    assert nothing and all((probe.decode(states, "0", fold) == 0).all() for fold in nothing)


def test_bits_are_read_by_binary():
    states = make_code("binary", 0, 999).matrix @ np.random.default_rng(0).standard_normal((10, 16))
    assert held_out_accuracy(fit("binary", states, VALUES, SPLIT), states, VALUES, SPLIT) > 0.99


@pytest.mark.parametrize("kind", ["fourier", "digits"])
def test_held_out_values_do_not_influence_their_fold_in_any_bit(states, kind):
    fold = SPLIT.folds[0]
    changed = states.copy()
    changed[SPLIT.block == 0] *= -3.0
    before = fit(kind, states, VALUES, SPLIT).tensors["0", fold.name]
    after = fit(kind, changed, VALUES, SPLIT).tensors["0", fold.name]
    assert before.keys() == after.keys()
    for name, array in before.items():
        assert array.tobytes() == after[name].tobytes(), name


def test_held_out_values_need_not_exist(states):
    seen = SPLIT.block != 0
    before = fit("fourier", states, VALUES, SPLIT, folds=SPLIT.folds[:1]).tensors["0", "0"]
    after = fit("fourier", states[seen], VALUES[seen], SPLIT, folds=SPLIT.folds[:1]).tensors["0", "0"]
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_order_of_rows_does_not_matter(states):
    order = np.random.default_rng(1).permutation(1000)
    one, other = fit("fourier", states, VALUES, SPLIT), fit("fourier", states[order], VALUES[order], SPLIT)
    assert np.array_equal(one.decode(states, "0"), other.decode(states, "0"))


@settings(max_examples=8)
@given(st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_scale_and_shift_of_the_states_do_not_matter(scale, shift):
    states = waves(VALUES)
    moved = scale * (states + shift)
    one, other = fit("fourier", states, VALUES, SPLIT), fit("fourier", moved, VALUES, SPLIT)
    agree = one.decode(states, "0", "1") == other.decode(moved, "0", "1")
    assert agree.mean() > 0.995


def test_constant_states_are_reported_not_divided_by():
    constant = np.tile(np.random.default_rng(0).standard_normal(24), (1000, 1))
    assert fit("fourier", constant, VALUES, SPLIT).constant == ("0",)
    assert fit("fourier", np.zeros((1000, 24)), VALUES, SPLIT).constant == ("0",)


def test_few_numbers_and_missing_blocks_are_fine():
    split = split_of(folds=10)
    values = VALUES[(VALUES < 200) & (split.block != 3)]
    states = waves(values)
    probe = fit("fourier", states, values, split)
    assert held_out_accuracy(probe, states, values, split) > 0.1
    assert set(probe.decode(states, "0", "3")) <= set(range(1000))


def test_states_that_fill_a_subspace_are_fitted_in_it_with_the_same_result(monkeypatch):
    """As q+k+v, a linear image of a narrower stream; the constant part lies outside the subspace."""
    random = np.random.default_rng(0)
    image, offset = random.standard_normal((24, 72)), 3 * random.standard_normal(72)
    wide = waves(VALUES, noise=0.1) @ image + offset
    inside = fit("fourier", wide, VALUES, SPLIT)
    monkeypatch.setattr(closed_form, "_LARGEST_SHARE", 0.0)
    full = fit("fourier", wide, VALUES, SPLIT)
    for fold in full.folds:
        one, other = inside.tensors["0", fold], full.tensors["0", fold]
        assert one["mean"] == pytest.approx(other["mean"])
        assert np.array_equal(one["columns"], other["columns"])
        assert np.array_equal(inside.decode(wide, "0", fold), full.decode(wide, "0", fold))
    assert 0.2 < held_out_accuracy(inside, wide, VALUES, SPLIT) <= 1


def test_all_waves_are_solved_for_through_the_values_with_the_same_result(monkeypatch):
    """Of wide states; several labels of the values at once, values without rows, several rows of a value."""
    random = np.random.default_rng(0)
    values = random.permutation(np.concatenate([VALUES[VALUES % 3 > 0], VALUES[::5]]))
    states = waves(values, noise=0.1).astype(np.float32)
    codes = [make_code(kind, 0, 999) for kind in ("digits", "fourier", "helix")]
    labels = [control_labels(control, VALUES, SPLIT, 0) for control in ("none", "shuffled")]
    targets = [make_target(code, one, 0) for one in labels for code in codes]
    statistics = accumulate(states, values, SPLIT)
    directly = fit_layer(statistics, SPLIT, targets, SPLIT.folds)
    monkeypatch.setattr(closed_form, "_WIDE", 0)
    through_values = fit_layer(statistics, SPLIT, targets, SPLIT.folds)
    assert 10 < len(directly[1]["0"]["columns"]) < 200
    for target, one, other in zip(targets, directly, through_values, strict=True):
        for fold, tensors in one.items():
            assert np.array_equal(tensors["columns"], other[fold]["columns"])
            assert tensors["penalty"] == other[fold]["penalty"]
            assert_allclose(tensors["information"], other[fold]["information"], rtol=1e-3)
            assert_allclose(
                tensors["precision"], other[fold]["precision"], rtol=1e-5 if target.places is None else 1e-2
            )


def test_equal_labels_and_incomplete_waves_are_not_solved_for_through_the_values():
    code = make_code("fourier", 0, 9)
    assert np.array_equal(make_target(code, np.arange(9, -1, -1), 0).places, np.arange(9, -1, -1))
    assert make_target(code, np.arange(10) // 2, 0).places is None
    assert make_target(make_code("digits", 0, 9), np.arange(10), 0).places is None
