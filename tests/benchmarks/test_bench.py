"""Ratios, goals and the page made of them; no test depends on time."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from _bench import Goal, Ratio, compare, draw_ratios, machine, markdown_table, ratio, spread
from write_performance import page

SECONDS = st.floats(1e-3, 1e3)
RECORD = {
    "name": "fitting",
    "machine": {
        "processor": "A",
        "cores": 2,
        "gpu": None,
        "threads": 2,
        "python": "3.11.0",
        "numpy": "2.0",
        "torch": "2.0",
    },
    "roofline": {"device": "cpu", "flops": {"float32": 1.5e11, "float64": 7e10}, "bytes_per_second": 1.6e10},
    "columns": ["seconds", "case", "rows"],
    "table": [{"case": "closed form", "seconds": 0.51234, "rows": 100000}],
    "goals": [
        {
            "name": "speed",
            "text": "closed form against Adam",
            "target": 100,
            "measured": {"median": 250.04, "low": 240.0, "high": 261.0},
            "at_most": False,
            "bound": "the eigendecomposition",
            "met": True,
        }
    ],
    "notes": {"summary": "What was compared.", "scaled": "300 of 10,000 steps"},
}


def test_cases_run_in_alternation_and_warm_up_is_not_counted():
    ran = []
    cases = {name: (lambda name=name: ran.append(name)) for name in "ab"}
    times = compare(cases, repeats=3, warmup=1)
    assert ran == list("abababab")
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 3, "b": 3}


def test_a_ratio_pairs_the_repeats():
    # Each repeat was slow or fast for both cases alike.
    times = {"case": [2.0, 20.0, 4.2], "baseline": [1.0, 10.0, 2.0]}
    assert ratio(times, "case", "baseline") == Ratio(2.0, 2.0, pytest.approx(2.1))


@given(st.lists(SECONDS, min_size=1, max_size=9))
def test_a_case_against_itself_is_one(seconds):
    assert ratio({"a": seconds}, "a", "a") == Ratio(1.0, 1.0, 1.0)


@given(st.lists(SECONDS, min_size=1, max_size=9))
def test_the_spread_encloses_the_median(values):
    measured = spread(values)
    assert measured.low <= measured.median <= measured.high


@pytest.mark.parametrize(("at_most", "median", "met"), [(True, 1.5, True), (True, 1.6, False), (False, 1.4, False)])
def test_a_goal_is_met_on_the_right_side(at_most, median, met):
    assert Goal("name", "text", 1.5, Ratio(median, 1.0, 2.0), at_most).met is met


def test_a_table_rounds_numbers_only():
    rows = [{"case": "a", "seconds": 0.123456, "rows": 100000, "fits": True}]
    assert markdown_table(rows)[2] == "| a | 0.123 | 100,000 | True |"
    assert markdown_table([]) == []


def test_bars_and_points_stand_at_the_medians():
    axes = Figure().subplots()
    draw_ratios(axes, {"a": Ratio(1.0, 0.9, 1.1), "b": Ratio(2.0, 1.5, 3.0)}, "ratio", goal=1.5)
    assert [bar.get_width() for bar in axes.patches] == [2.0, 1.0]
    axes = Figure().subplots()
    draw_ratios(axes, {"a": Ratio(1.0, 0.9, 1.1), "b": Ratio(200.0, 150.0, 300.0)}, "ratio", logarithmic=True)
    assert axes.get_xscale() == "log" and not axes.patches
    assert list(axes.lines[0].get_xdata()) == [200.0, 1.0]


def test_the_machine_has_a_name_and_no_date():
    described = machine()
    assert described["processor"]
    assert described["cores"] >= 1
    assert "date" not in described


def test_the_page_tells_machine_goals_and_notes():
    text = page([RECORD])
    assert "| fitting | closed form against Adam | >= 100 | 250 (240 to 261) | yes |" in text
    assert "150 GFLOP/s in float32" in text
    assert "| 0.512 | closed form | 100,000 |" in text
    assert "300 of 10,000 steps" in text
    assert "Bounds of the goals" not in text


def test_the_page_says_what_bounds_a_missed_goal():
    record = copy.deepcopy(RECORD)
    record["goals"][0]["met"] = False
    text = page([record])
    assert "**no**" in text
    assert "- closed form against Adam: the eigendecomposition." in text


def test_programs_stand_in_the_order_of_the_data_and_machines_apart():
    other = copy.deepcopy(RECORD)
    other["name"], other["machine"]["gpu"] = "gpu", "B"
    first = copy.deepcopy(RECORD)
    first["name"] = "extraction"
    text = page([other, RECORD, first])
    places = [text.index(f"\n## {name}") for name in ("Machine", "Goals", "Extraction", "Fitting", "Gpu")]
    assert places == sorted(places)
    assert "(extraction, fitting)" in text
    assert "(gpu)" in text
