import pytest
from tests.measure.fakes import MAXIMUM, SPLIT, make_probe, write_folder

from numprobe.experiments.embedding_probes.readings import end_rows, fold_rows, non_decodable
from numprobe.measure.settings import evaluate_settings

# A fold without the largest number, which is read correctly even one too high: there is no larger candidate.
BAD = next(fold.test[0] for fold in SPLIT.folds if MAXIMUM not in SPLIT.values_in(fold.test))
CARD = {"single_token_numbers": {"contiguous_from_minimum": [0, MAXIMUM]}}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A probe that misreads the numbers of one fold as the next one."""
    folder = write_folder(tmp_path_factory.mktemp("a") / "states", range(100), layers=("0",), context="vocabulary")
    probes = [
        make_probe(("0",), context="vocabulary", offsets={str(BAD): 1}),
        make_probe(("0",), "shuffled", folds=["0"]),
    ]
    return evaluate_settings(folder, probes, CARD, "none", 100, 0)


def test_mean_and_spread_are_those_of_the_folds(evaluated):
    rows = {row["metric"]: row for row in fold_rows(evaluated[1])}
    count = len(SPLIT.folds)
    assert rows["fold_mean"]["value"] == pytest.approx((count - 1) / count)
    # All folds at 1 but one at 0: the variance is 1 / n.
    assert rows["fold_sd"]["value"] == pytest.approx((1 / count) ** 0.5)
    assert rows["fold_mean"]["note"] == f"{count} folds, point value" and rows["fold_mean"]["n_values"] == 100


def test_misread_numbers_are_those_of_the_bad_fold(evaluated):
    table = non_decodable(evaluated[0], "m")
    assert table["number"].to_list() == SPLIT.values_in((BAD,)).tolist()
    assert set(table["fold"]) == {str(BAD)} and set(table["probe"]) == {"linear"}
    assert (table["decoded"] == table["number"] + 1).all()


def test_ends_are_the_ten_smallest_and_largest_numbers(evaluated):
    rows = {row["subset"]: row for row in end_rows(evaluated[0], 0)}
    wrong = set(SPLIT.values_in((BAD,)).tolist())
    for subset, numbers in (("smallest=10", range(10)), ("largest=10", range(90, 100))):
        assert rows[subset]["n_values"] == 10
        assert rows[subset]["value"] == pytest.approx(1 - len(wrong & set(numbers)) / 10)


def test_a_probe_of_few_folds_has_no_ends(tmp_path):
    folder = write_folder(tmp_path / "states", range(100), layers=("0",))
    probes = [make_probe(("0",)), make_probe(("0",), folds=["0"])]
    predictions, _ = evaluate_settings(folder, probes[1:], CARD, "none", 100, 0)
    whole, _ = evaluate_settings(folder, probes[:1], CARD, "none", 100, 0)
    few = predictions.with_columns(probe=predictions["probe"] + " on one fold")
    assert {row["probe"] for row in end_rows(whole.vstack(few), 0)} == {"linear"}
