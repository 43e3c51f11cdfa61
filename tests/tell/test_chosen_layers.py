"""What the page says of readers beside the control that decides."""

import polars as pl
import pytest

from numprobe.measure.chosen_layers import EXTRA
from numprobe.tables import measurements
from numprobe.tell.chosen_layers import section


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


def page(*found):
    return section(measurements([row for part in found for row in part], EXTRA), measurements(accuracy()))


def test_a_line_shows_layer_accuracy_controls_and_their_difference():
    found = page(rows("fourier", 0.98, 0.93, (0.05, 0.02, 0.081)))
    assert "| m | text | text | fourier | 5 (80 %) | 98 | 93 | +5.0 [+2.0, +8.1] | 31 |" in found


def test_tokens_are_gathered_where_some_reader_reads_mixed_as_well():
    found = page(rows("fourier", 0.98, 0.93, (0.05, 0.02, 0.08)), rows("digits", 1.0, 1.0, (0.004, -0.002, 0.01)))
    assert (
        "- m, `text`: the number's tokens are gathered at its last token in one format; `mixed` is read as well "
        "(digits: +0.4 [-0.2, +1.0] points), although not with every reader (fourier: +5.0 [+2.0, +8.0] points); "
        "untrained networks reach 31 % (fourier)."
    ) in found


def test_mixed_that_is_read_better_is_read_as_well():
    assert "gathered at its last token" in page(rows("fourier", 0.8, 0.93, (-0.13, -0.15, -0.1)))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (rows("fourier", 0.98, 0.5, (0.48, 0.4, 0.5)), "more is read than from `mixed` (fourier: +48.0 [+40.0, +50.0]"),
        (rows("fourier", 0.2, 0.1, (0.1, 0.0, 0.2)), "no reader reads 50 % of the numbers"),
    ],
)
def test_what_else_can_follow(found, said):
    text = page(found)
    assert said in text
    assert "gathered at its last token in one format" not in text


def test_reading_never_shows_a_code():
    text = page(rows("fourier", 0.98, 0.5, (0.48, 0.4, 0.5))).replace("\n", " ")
    assert text.count("a code of the number") == 1
    assert "never from reading alone" in text


def test_models_of_single_tokens_and_states_before_the_number_get_no_sentence():
    found = page(rows("fourier", 1, 1, (0, 0, 0), tokens=1.0), rows("fourier", 1, 1, (0, 0, 0), "n", tokens=None))
    assert "\n- " not in found


def test_transfer_stands_behind_reading_and_beside_its_own_control():
    moved = rows("fourier", 0.95, 0.94, (0.01, -0.01, 0.03), fit="sums")
    table = measurements([row for part in (moved, rows("fourier", 1, 1, (0, 0, 0))) for row in part], EXTRA)
    untrained = {"fit_context": "sums", "value": 0.04, "control": "untrained", "layer": "5"}
    names = {"model": "m", "probe": "fourier", "context": "text", "metric": "accuracy"}
    transfer = measurements([{**names, **untrained}], {"fit_context": pl.String})
    lines = [line for line in section(table, measurements(accuracy()), transfer).splitlines() if "| fourier |" in line]
    assert [[*line.split(" | ")[1:3], line.split(" | ")[-1]] for line in lines] == [
        ["text", "text", "31 |"], ["sums", "text", "4 |"],
    ]  # fmt: skip
    assert "`sums` → `text`: the number's tokens are gathered" in section(table, measurements(accuracy()), transfer)
