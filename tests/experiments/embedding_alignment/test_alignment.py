import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numprobe.experiments.embedding_alignment.alignment import CONTROLS, pattern_rank, row_changes
from numprobe.interventions.folds import is_tested
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.splits import PAPER_TEST, make_split
from probes.planted import PERIODS, split_of, waves, write_folder

SPLITS = {"folds": split_of(), "paper": make_split(0, 999, "paper", 10, 3, 0)}
ROWS = waves(np.arange(1000), noise=0.1)


@pytest.fixture(scope="module", params=list(SPLITS))
def fitted(request, tmp_path_factory):
    split = SPLITS[request.param]
    folder = write_folder(tmp_path_factory.mktemp("rows"), {"embedding": ROWS}, split.values)
    rows = training_rows(folder, split)
    described = describe_split(split, [whole_fold(split), *split.folds])
    probe = fit_closed_form(rows, split, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    patterns = fit_patterns(rows, probe, split, "none", 0, {})
    return split, patterns, row_changes(ROWS, split.values, patterns, "embedding", split, 0)


def test_rows_move_to_the_pattern_of_the_fold_that_has_not_seen_their_number(fitted):
    split, patterns, changes = fitted
    for fold in split.folds:
        unseen = split.values_in(fold.test)
        assert_allclose((ROWS + changes["none"])[unseen], patterns.states(unseen, "embedding", fold.name))


def test_numbers_that_no_fold_holds_out_do_not_move(fitted):
    split, patterns, changes = fitted
    moved = is_tested(split.values, split, patterns.folds)
    assert moved.sum() == (len(PAPER_TEST) if split.folds[0].name == "paper" else 1000)
    for control in CONTROLS:
        assert_array_equal(np.abs(changes[control]).max(axis=1) > 0, moved)


def test_random_moves_are_as_long_and_go_elsewhere(fitted):
    split, patterns, changes = fitted
    moved = is_tested(split.values, split, patterns.folds)
    length = {control: np.linalg.norm(changes[control][moved], axis=1) for control in CONTROLS}
    assert_allclose(length["random direction"], length["none"], rtol=1e-5)
    cosine = (changes["random direction"] * changes["none"])[moved].sum(axis=1) / length["none"] ** 2
    assert abs(cosine.mean()) < 0.1


def test_denoised_rows_lie_in_as_many_directions_as_the_patterns(fitted):
    split, patterns, changes = fitted
    fold = split.folds[0]
    rows = (ROWS + changes["principal components"])[split.values_in(fold.test)]
    rank = pattern_rank(patterns, "embedding", fold.name)
    assert rank <= 2 * len(PERIODS)
    assert np.linalg.matrix_rank(rows - rows.mean(axis=0), tol=1e-6) == rank


def test_numbers_without_a_row_of_their_own_matter_to_no_other_move(fitted):
    split, patterns, changes = fitted
    some = np.flatnonzero(split.values % 3 == 0)
    fewer = row_changes(ROWS[some], split.values[some], patterns, "embedding", split, 0)
    for control in ("none", "wrong number"):
        assert_allclose(fewer[control], changes[control][some])
