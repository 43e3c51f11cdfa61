import polars as pl

from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import (
    Difference,
    Estimate,
    Grid,
    Layers,
    Listed,
    PValue,
    Reason,
    Section,
    Share,
    Span,
    Statement,
    beside,
    cells_of,
    estimate_of,
    markdown,
    reasons_of,
    spread_out,
)


def test_statements_are_data_and_one_function_words_them():
    said = Statement(
        "llama",
        "the untrained network",
        {"layers": 3, "gain": Difference(0.25, 0.2, 0.3)},
        "{subject} beats {comparison} at {layers} layers, by {gain} points.",
    )
    section = Section("Gains", ["A note.", said, Reason("minilm", "result", "an encoder")])
    assert section.statements[0].numbers["layers"] == 3
    assert markdown(section) == (
        "## Gains\n\nA note.\n\n- llama beats the untrained network at 3 layers, by +25.0 [+20.0, +30.0] points.\n"
        "- minilm, `result`: not applicable: an encoder\n"
    )


def test_grids_hold_shares_and_leave_unmeasured_cells_empty():
    grid = Grid(["model", "0"], [["llama", Share(0.5, 0.4, 0.6)], ["olmo2", None]])
    assert grid.column("0") == [Share(0.5, 0.4, 0.6), None]
    assert "| llama | 50 [40, 60] |\n| olmo2 |  |" in markdown(Section("Grid", [grid]))


def test_measurements_are_spread_over_their_layers_in_order():
    layers = ["10", "2", "final_norm"]
    table = pl.DataFrame(
        {
            "model": ["llama"] * 3,
            "layer": layers,
            "value": [0.1, None, 0.3],
            "ci_low": [0.0, None, None],
            "ci_high": [0.2, None, None],
            "status": ["measured", "constant state", "measured"],
            "note": [None, None, None],
        }
    )
    grid = spread_out(table, ["model"], "layer")
    assert grid.heads == ["model", "2", "10", "final_norm"]
    assert grid.rows == [["llama", "constant state", Share(0.1, 0.0, 0.2), Share(0.3)]]


def test_what_belongs_to_no_layer_stands_last():
    names = {"model": "m", "metric": "accuracy", "value": 0.5}
    table = measurements([{**names, "control": "gaussian"}, {**names, "layer": "2"}, {**names, "layer": "1"}])
    assert spread_out(table, ["model"], "layer") == Grid(["model", "1", "2", "no layer"], [["m", *[Share(0.5)] * 3]])
    by_layer = spread_out(table, ["layer"], "control")
    assert by_layer.rows == [["no layer", Share(0.5), None], ["2", None, Share(0.5)], ["1", None, Share(0.5)]]


def test_numbers_that_are_no_shares_keep_two_decimals_and_bars_do_not_end_a_cell():
    row = {"value": 0.504, "ci_low": -0.1, "ci_high": 0.6, "note": None}
    grid = Grid(["theory", "correlation"], [["|a - b|", estimate_of(row)], ["log", Estimate(0.5)]])
    assert markdown(Section("Grid", [grid])).splitlines()[-2:] == [
        "| \\|a - b\\| | 0.50 [-0.10, 0.60] |",
        "| log | 0.50 |",
    ]
    assert estimate_of({"value": None, **constant_state()}) == "constant state"


def test_reasons_stand_once_in_the_order_of_the_table():
    reason = {"model": "minilm", "context": "result", **not_applicable("an encoder")}
    table = measurements([reason, reason, {"model": "minilm", "note": "point value"}, {"model": "minilm"}])
    assert reasons_of(table) == [Reason("minilm", "result", "an encoder")]


def test_numbers_are_listed_by_name():
    numbers = Listed({"digits": Difference(0.1), "fourier": Difference(0.2)}, "points")
    assert str(numbers) == "digits: +10.0 points, fourier: +20.0 points"
    assert str(Listed({"llama": 3})) == "llama: 3"


def test_columns_stand_beside_each_other_and_the_rows_of_a_model_stay_together():
    table = pl.DataFrame(
        {"model": ["a", "b", "a"], "operation": ["+", "+", "-"], "value": [0.1, 0.2, 0.3], "n_prompts": [4, 5, 6]}
    ).with_columns(ci_low=None, ci_high=None)
    keys = ["model", "operation"]
    counts = cells_of(table, keys, lambda row: row["n_prompts"])
    grid = beside(keys, {"prompts": counts, "share": cells_of(table.head(2), keys)})
    assert grid.heads == ["model", "operation", "prompts", "share"]
    assert grid.rows == [["a", "+", 4, Share(0.1)], ["a", "-", 6, None], ["b", "+", 5, Share(0.2)]]


def test_reasons_in_a_table_of_pairs_name_both_models():
    table = pl.DataFrame(
        {
            "model": ["llama", "digits"],
            "other_model": ["minilm", None],
            "context": ["vocabulary"] * 2,
            "status": ["not applicable"] * 2,
            "note": ["few words", "no tokens"],
        }
    )
    assert [reason.model for reason in reasons_of(table)] == ["llama – minilm", "digits"]


def test_a_share_close_to_all_keeps_the_ends_of_its_interval():
    assert str(Share(0.9996, 0.9985, 0.99995)) == "99.96 [99.9, >99.99]"
    assert str(Share(1.0, 0.997, 1.0)) == "100 [99.7, 100]"


def test_an_unseen_difference_says_which_one_would_have_shown():
    assert str(Difference(0.0, -0.009, 0.009)) == "0.0 [-0.9, +0.9] (0.9 would show)"
    assert str(Difference(0.0002, -0.0004, 0.001)) == "+0.02 [-0.04, +0.1] (0.1 would show)"
    assert str(Difference(0.002, -0.001, 0.005)) == "+0.2 [-0.1, +0.5]"
    assert [str(Difference(value)) for value in (0.0, -0.0001, 0.25)] == ["0.0", "-0.01", "+25.0"]


def test_p_values_have_two_digits():
    assert [str(PValue(value)) for value in (0.000999, 0.25)] == ["0.001", "0.25"]


def test_the_ends_of_a_span_are_shown_once_if_they_look_alike():
    assert str(Span(Share(0.2), Share(0.5))) == "20 to 50" and str(Span(Share(0.501), Share(0.502))) == "50"


def test_one_layer_is_singular():
    assert [str(Layers(names)) for names in (("2",), ("1", "final_norm"))] == ["layer 2", "layers 1, final_norm"]


def test_long_tables_are_folded_unless_they_are_to_be_open():
    rows = [[str(place)] for place in range(20)]
    folded, whole, short = (
        markdown(Section("A", [grid]))
        for grid in (Grid(["n"], rows), Grid(["n"], rows, open=True), Grid(["n"], rows[:3]))
    )
    assert '<details markdown="1"><summary>20 rows</summary>\n\n| n |' in folded
    assert folded.rstrip().endswith("| 19 |\n\n</details>")
    assert "<details" not in whole + short and folded.count("\n|") == whole.count("\n|") == 22
