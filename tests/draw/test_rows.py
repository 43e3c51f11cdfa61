import polars as pl
import pytest

from numprobe.draw.rows import checked, contexts_in_order, over_all_folds, reasons
from numprobe.errors import NumprobeError
from numprobe.status import not_applicable
from numprobe.tables import measurements

ROW = {"model": "m", "context": "number", "layer": "0", "probe": "fourier", "metric": "accuracy", "value": 0.5}


def test_missing_columns_are_named_with_the_remedy():
    with pytest.raises(NumprobeError, match=r"lacks the columns layer, value .*give the collected table"):
        checked(pl.DataFrame({"model": ["m"]}), ["model", "layer", "value"])


def test_an_empty_table_is_refused():
    with pytest.raises(NumprobeError, match="no rows: nothing was measured"):
        checked(measurements([]), ["model"])


def test_single_folds_are_left_out():
    table = measurements([ROW, {**ROW, "fold": "0", "value": 0.4}, {**ROW, "fold": "1", "value": 0.6}])
    assert over_all_folds(table)["value"].to_list() == [0.5]


def test_two_measurements_of_one_thing_are_refused_by_name():
    with pytest.raises(NumprobeError, match=r"more than one measurement of model m, .*layer 0.*one study"):
        over_all_folds(measurements([ROW, {**ROW, "value": 0.6}]))


def test_two_readers_of_one_state_are_two_measurements():
    rows = [{**ROW, "probe": None, "reader": reader} for reader in ("circle", "line")]
    assert over_all_folds(measurements(rows, {"reader": pl.String})).height == 2


def test_repeated_reasons_are_no_conflict():
    skipped = {"model": "m", "context": "result", "metric": "accuracy", **not_applicable("encoder")}
    assert reasons(over_all_folds(measurements([ROW, skipped, skipped]))) == ["not applicable: encoder"]


def test_the_vocabulary_comes_first_and_the_rest_stays_in_the_order_of_the_study():
    assert contexts_in_order(pl.Series(["z", "a", "vocabulary", "a", None])) == ["vocabulary", "z", "a"]
