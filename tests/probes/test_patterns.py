import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numprobe.errors import NumprobeError
from numprobe.measure.patterns import pattern_rows
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.probes.patterns import load_patterns
from probes.planted import PERIODS, split_of, waves, write_folder

SPLIT = split_of()
VALUES = np.repeat(SPLIT.values, 2)


def planted(tmp_path, states):
    folder = write_folder(tmp_path / "states", {"1": states}, VALUES)
    rows = training_rows(folder, SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    return folder, rows, probe


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder, rows, probe = planted(tmp_path_factory.mktemp("planted"), waves(VALUES, noise=0.05))
    return folder, {control: fit_patterns(rows, probe, SPLIT, control, 0, {}) for control in ("none", "shuffled")}


def test_planted_states_of_unseen_numbers_are_predicted(fitted):
    clean = waves(SPLIT.values, noise=0)
    for fold in SPLIT.folds:
        unseen = SPLIT.values_in(fold.test)
        predicted = fitted[1]["none"].states(unseen, "1", fold.name)
        assert ((predicted - clean[unseen]) ** 2).sum() < 0.02 * ((clean[unseen] - clean.mean(0)) ** 2).sum()


def test_the_share_explained_is_high_and_that_of_shuffled_numbers_is_none(fitted):
    folder, patterns = fitted
    (row,), (control,) = (pattern_rows(folder, patterns[name], SPLIT, 200, 0) for name in ("none", "shuffled"))
    assert (
        row["ci_low"] > 0.9
        and row["n_values"] == 1000
        and (row["metric"], row["direction"]) == ("explained", "patterns")
    )
    assert control["ci_high"] < 0.05


def test_the_basis_spans_the_planted_directions_only(fitted):
    basis = fitted[1]["none"].basis("1", "all", 2 * len(PERIODS) - 1)
    assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-8)
    clean = waves(SPLIT.values, noise=0)
    centred = clean - clean.mean(0)
    # Cosine of period 2 and its sine, which is null, share a plane: 9 directions hold all.
    assert ((centred @ basis) ** 2).sum() > 0.99 * (centred**2).sum()


def test_patterns_are_the_same_after_saving(fitted, tmp_path):
    patterns = fitted[1]["none"]
    patterns.save(tmp_path / "patterns.safetensors")
    loaded = load_patterns(tmp_path / "patterns.safetensors")
    assert_array_equal(loaded.states([3, 5], "1", "0"), patterns.states([3, 5], "1", "0"))
    assert (loaded.layers, loaded.folds, loaded.width) == (patterns.layers, patterns.folds, patterns.width)


def test_what_is_not_there_is_named(fitted, tmp_path):
    with pytest.raises(NumprobeError, match="no layer '7'"):
        fitted[1]["none"].states([1], "7", "all")
    (tmp_path / "cut").write_bytes(b"12")
    with pytest.raises(NumprobeError, match="is damaged"):
        load_patterns(tmp_path / "cut")


def test_no_row_of_a_test_number_takes_part(tmp_path):
    states = waves(VALUES, noise=0.05)
    fold = SPLIT.folds[0]
    spoiled = states.copy()
    spoiled[np.isin(SPLIT.block_of(VALUES), fold.test)] += 100
    pairs = []
    for name, these in (("a", states), ("b", spoiled)):
        (tmp_path / name).mkdir()
        _, rows, probe = planted(tmp_path / name, these)
        pairs.append(fit_patterns(rows, probe, SPLIT, "none", 0, {}).tensors["1", fold.name])
    assert_allclose(pairs[0]["loadings"], pairs[1]["loadings"], rtol=1e-4, atol=1e-6)
