"""The statements on readers beside the control that decides."""

import polars as pl

from numprobe.measure.chosen_layers import EXTRA
from numprobe.tables import measurements
from numprobe.tell.chosen_layers import MOST, section
from numprobe.tell.section import Difference, Listed, Share, markdown


def rows(probe, own, mixed, less, model="m", fit="text", context="text", tokens=3.0):
    """A model's accuracy, that of `mixed`, and (difference, low, high)."""
    names = {"model": model, "probe": probe, "fit_context": fit, "context": context, "tokens": tokens}
    names |= {"chosen_share": 0.8, "layer": "5"}
    difference = dict(zip(("value", "ci_low", "ci_high"), less, strict=True))
    yield {**names, "metric": "accuracy", "value": own}
    yield {**names, "metric": "accuracy", "control": "mixed", "value": mixed, "layer": "mixed"}
    yield {**names, "metric": "accuracy_difference", "control": "mixed", **difference}


def accuracy(context="text", **more):
    plain = {"model": "m", "probe": "fourier", "context": context, "metric": "accuracy", **more}
    controls = [("untrained", "0", 0.1), ("untrained", "5", 0.22), ("untrained-2", "5", 0.31), ("mixed", "5", 0.99)]
    return [{**plain, "control": control, "layer": layer, "value": value} for control, layer, value in controls]


def section_on(*found, transfer=None):
    return section(measurements([row for part in found for row in part], EXTRA), measurements(accuracy()), transfer)


def statement(*found):
    (said,) = section_on(*found).statements
    return said


def test_a_row_shows_layer_accuracy_controls_and_their_difference():
    short, grid = section_on(rows("fourier", 0.98, 0.93, (0.05, 0.02, 0.081))).grids
    assert short.rows == grid.rows
    found = dict(zip(grid.heads, grid.rows[0], strict=True))
    assert (found["model"], found["fitted in"], found["read in"], found["reader"]) == ("m", "text", "text", "fourier")
    assert (found["layer"], found["accuracy"], found["mixed"]) == ("5 (80 %)", Share(0.98), Share(0.93))
    assert (found["accuracy - mixed"], found["untrained"]) == (Difference(0.05, 0.02, 0.081), Share(0.31))


def test_tokens_are_gathered_where_some_reader_reads_mixed_as_well():
    fourier, digits = rows("fourier", 0.98, 0.93, (0.05, 0.02, 0.08)), rows("digits", 1.0, 1.0, (0.004, -0.002, 0.01))
    found = section_on(fourier, digits)
    (said,) = found.statements
    assert (said.subject, said.comparison) == ("m, `text`", "`mixed`")
    assert said.numbers == {
        "alike": Listed({"digits": Difference(0.004, -0.002, 0.01)}, "points"),
        "more": Listed({"fourier": Difference(0.05, 0.02, 0.08)}, "points"),
        "undecided": Listed({}, "points"),
        "untrained": Share(0.31),
        "untrained_reader": "fourier",
    }
    assert (
        "- m, `text`: the tokens of a number are gathered at its last token in one format; `mixed` is read as well "
        "(digits: +0.4 [-0.2, +1.0] points), although not with every reader (fourier: +5.0 [+2.0, +8.0] points); "
        "untrained networks reach 31 % (fourier)."
    ) in markdown(found)


def test_mixed_that_is_read_better_is_read_as_well():
    assert list(statement(rows("fourier", 0.8, 0.93, (-0.13, -0.15, -0.1))).numbers["alike"].numbers) == ["fourier"]


def test_a_reader_that_reads_more_than_mixed_is_named_and_concludes_nothing():
    said = statement(rows("fourier", 0.98, 0.5, (0.48, 0.4, 0.5)))
    assert said.numbers["alike"].numbers == {}
    assert said.numbers["more"].numbers == {"fourier": Difference(0.48, 0.4, 0.5)}
    assert "gathered" not in str(said) and "does not say what that is" in str(said)


def test_a_difference_that_may_matter_or_not_is_undecided():
    said = statement(rows("fourier", 0.98, 0.95, (0.03, -0.01, 0.07)))
    assert said.numbers["undecided"].numbers == {"fourier": Difference(0.03, -0.01, 0.07)}
    assert "whether more is read than from `mixed` is undecided" in str(said) and "gathered" not in str(said)


def test_readers_that_read_too_few_numbers_are_not_compared():
    said = statement(rows("fourier", 0.2, 0.1, (0.1, 0.0, 0.2)))
    assert said.numbers == {"most": Share(MOST)}
    assert "gathered" not in str(said)


def test_models_of_single_tokens_and_states_before_the_number_get_no_statement():
    found = section_on(rows("fourier", 1, 1, (0, 0, 0), tokens=1.0), rows("fourier", 1, 1, (0, 0, 0), "n", tokens=None))
    assert found.statements == []


def test_transfer_stands_behind_reading_and_beside_its_own_control():
    moved = rows("fourier", 0.95, 0.94, (0.004, -0.006, 0.014), fit="sums")
    untrained = {"fit_context": "sums", "value": 0.04, "control": "untrained", "layer": "5"}
    names = {"model": "m", "probe": "fourier", "context": "text", "metric": "accuracy"}
    transfer = measurements([{**names, **untrained}], {"fit_context": pl.String})
    found = section_on(moved, rows("fourier", 1, 1, (0, 0, 0)), transfer=transfer)
    short, grid = found.grids
    assert short.column("fitted in") == ["text"]
    assert grid.column("fitted in") == ["text", "sums"] and grid.column("read in") == ["text", "text"]
    assert grid.column("untrained") == [Share(0.31), Share(0.04)]
    assert [said.subject for said in found.statements] == ["m, `text`", "m, `sums` → `text`"]
    assert list(found.statements[1].numbers["alike"].numbers) == ["fourier"]
