"""Sections of pages of findings, found by the experiment that their heading names."""

from numprobe.explorer.findings import sections_by_experiment
from numprobe.tell.page import group_page
from numprobe.tell.section import Grid, Section, Share

PAGE = group_page(
    "numbers",
    [
        Section("Claims", ["Supported."]),
        Section("What is read?", [Grid(["model", "share"], [["a|b", Share(0.5)]])]),
        Section("Similar? (`rsa`)", ["They <b>are</b>."]),
        Section("One more (`rsa`)", ["And more."]),
    ],
    "a_test",
)


def test_sections_belong_to_the_experiment_in_their_heading():
    found = sections_by_experiment(PAGE)
    assert set(found) == {"rsa"}
    assert found["rsa"].count("<h2>") == 2
    assert "And more." in found["rsa"]


def test_sections_without_a_name_belong_to_the_one_that_is_given_and_claims_to_none():
    found = sections_by_experiment(PAGE, "accuracy")
    assert set(found) == {"accuracy", "rsa"}
    assert "<td>a|b</td>" in found["accuracy"]
    assert "Supported" not in "".join(found.values())


def test_html_of_names_is_shown_and_not_obeyed():
    assert "&lt;b&gt;are&lt;/b&gt;" in sections_by_experiment(PAGE)["rsa"]


def test_long_tables_stay_folded():
    page = group_page("numbers", [Section("Long (`rsa`)", [Grid(["n"], [["<b>"]] * 20), "After."])], "a_test")
    found = sections_by_experiment(page)["rsa"]
    assert found.count("<details><summary>20 rows</summary>") == found.count("</details>") == 1
    assert found.index("<table>") < found.index("</details>") < found.index("After.") and "&lt;b&gt;" in found
