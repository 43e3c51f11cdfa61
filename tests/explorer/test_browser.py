"""What a user sees and does on the page, in a headless Chromium without a network."""

import base64
import re

import polars as pl
import pytest

from draw.fake_tables import accuracy_table, cross_layer_table, examples_table, large_accuracy_table
from explorer.browser import CHROMIUM, CSS, DRIVER, ID, Explorer, chromium, wait
from explorer.unseen import unseen_table
from numprobe.explorer.page import LIMIT, Shown, explorer_page
from numprobe.explorer.vega import vega_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("explorer"),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed (.ci/run does)"),
]

TABLES = {
    "accuracy": accuracy_table(),
    "cross_layer": cross_layer_table(),
    "examples": examples_table(),
    "wobble": unseen_table(),
    "large": large_accuracy_table(10, 60, 2),
}
WOBBLE = TABLES["wobble"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    experiments = [Shown(name, f"On {name}", [name]) for name in TABLES]
    text = explorer_page(experiments, TABLES, {"wobble": "<h2>It wobbles</h2>"}, vega_script())
    assert len(text.encode()) < LIMIT / 2
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def driver(downloads):
    pytest.importorskip("selenium")
    with chromium(downloads, "--host-resolver-rules=MAP * ~NOTFOUND") as opened:
        yield opened


def wobbles(**columns: object) -> pl.DataFrame:
    return WOBBLE.filter(pl.col("value").is_not_null(), **columns)


def test_the_first_view_draws_the_probes_over_the_layers_by_context(driver, page):
    view = Explorer(driver, page)
    assert {"across": "layer", "lines": "probe", "panels": "context"}.items() <= view.chosen().items()
    assert {"of.model": "llama", "of.control": "none"}.items() <= view.chosen().items()
    drawn = TABLES["accuracy"].filter(pl.col("value").is_not_null(), model="llama", control="none", subset="all")
    assert len(view.marks("symbol")) >= drawn.height
    assert "accuracy (%)" in view.text("chart")
    assert "result" in view.text("unmeasured") and "constant state" in view.text("unmeasured")
    assert view.faults() == []


def test_a_table_that_no_code_knows_is_drawn_with_text_and_rows(driver, page):
    view = Explorer(driver, page)
    view.choose("experiment", "On wobble")
    assert view.text("finding") == "It wobbles"
    assert view.chosen() == {
        "experiment": "On wobble", "kind": "Curves", "across": "layer", "lines": "probe", "panels": "–",
        "interval": "ci", "of.model": "a<b>", "of.context": "number", "of.control": "none", "of.dose": "0.5",
    }  # fmt: skip
    shown = wobbles(model="a<b>", control="none", dose=0.5)
    assert sorted(map(float, view.column("value"))) == pytest.approx(sorted(shown["value"].to_list()), rel=1e-5)
    assert view.options("of.dose") == ["0.5", "2"]
    assert view.faults() == []


def test_a_mark_tells_its_value_its_interval_and_its_place(driver, page):
    from selenium.webdriver import ActionChains

    Explorer(driver, page, "experiment=wobble&lines=control&panels=&of.probe=%22novel%22")
    points = driver.find_elements(CSS, "#chart .mark-symbol.role-mark path[aria-label*='untrained']")
    # SVG marks have no size for Selenium where another lies above.
    ActionChains(driver).move_to_element(points[3]).perform()
    text = wait(lambda: driver.find_element(CSS, "#vg-tooltip-element.visible").text)
    layer = re.search(r"layer\n?\s*(\S+)", text)[1]
    (row,) = wobbles(model="a<b>", probe="novel", control="untrained", dose=0.5, layer=layer).to_dicts()
    shares = [f"{100 * row[name]:.1f}".removesuffix(".0") for name in ("value", "ci_low", "ci_high")]
    assert "{} % [{}, {}]".format(*shares) in text
    assert "untrained" in text and "90" in text


def test_another_interval_is_drawn_where_a_table_has_two(driver, page):
    view = Explorer(driver, page, "experiment=wobble")
    narrow = driver.find_element(CSS, "#chart .mark-rule line").get_attribute("y2")
    view.choose("interval", "wide")
    wide = driver.find_element(CSS, "#chart .mark-rule line").get_attribute("y2")
    assert abs(float(wide)) == pytest.approx(2 * abs(float(narrow)), rel=0.02)


def test_what_does_not_apply_is_offered_and_told(driver, page):
    view = Explorer(driver, page, "experiment=wobble&panels=")
    view.choose("of.model", "other")
    assert "layer 3: constant state" in view.text("unmeasured")
    view.choose("of.context", "result")
    assert view.chosen()["of.model"] == "other"
    assert "other, result: not applicable: encoder" in view.text("unmeasured")
    assert view.column("status") == ["not applicable"]
    # A choice that has no rows with the others changes these, and is honoured itself.
    view.choose("of.model", "a<b>")
    assert (view.chosen()["of.model"], view.chosen()["of.context"]) == ("a<b>", "number")
    assert view.faults() == []


def test_pairs_of_layers_are_a_heat_map(driver, page):
    view = Explorer(driver, page, "experiment=cross_layer")
    assert {"kind": "Heat map", "across": "layer", "lines": "fit layer"}.items() <= view.chosen().items()
    cells = TABLES["cross_layer"].filter(
        pl.col("value").is_not_null(), model="llama", normalisation="none", control="none", metric="accuracy"
    )
    drawn = driver.find_elements(CSS, "#chart .mark-rect.role-mark path")
    constant = TABLES["cross_layer"].filter(model="llama", status="constant state")
    assert len(drawn) == cells.height + constant.height
    view.choose("kind", "Curves")
    assert view.marks("line")
    assert view.faults() == []


def test_what_belongs_to_no_layer_is_a_level_across_the_panel(driver, page):
    view = Explorer(driver, page, "experiment=wobble&panels=&lines=control&of.model=%22other%22")
    view.choose("of.probe", "fourier")
    levels = [mark for mark in view.marks("rule") if "flat" in mark]
    assert len(levels) == 1
    view.choose("kind", "Heat map")
    assert "flat: 25 % [20, 30]" in view.text("unmeasured")
    assert view.faults() == []


def test_many_models_and_layers_can_be_told_apart(driver, page):
    view = Explorer(driver, page, "experiment=large&lines=model")
    lines = driver.find_elements(CSS, "#chart .mark-line path")
    labels = driver.find_elements(CSS, "#chart .role-axis-label text")
    texts = [label.text for label in labels if label.text]
    assert len({one.get_attribute("stroke") for one in lines}) == 10
    assert texts.count("norm") == 2 and texts.count("20") <= 4
    assert len(texts) < 50
    assert view.faults() == []


def test_columns_change_places(driver, page):
    view = Explorer(driver, page, "experiment=wobble&panels=")
    view.choose("across", "dose")
    assert view.chosen()["of.layer"] == "embedding"
    view.choose("lines", "dose")
    assert (view.chosen()["across"], view.chosen()["lines"]) == ("probe", "dose")
    assert view.faults() == []


def test_rows_are_sorted_by_a_click_and_the_other_way_by_another(driver, page):
    view = Explorer(driver, page, "experiment=wobble&panels=")
    for descending in (False, True):
        view.sort("value")
        values = [float(text) for text in view.column("value")]
        assert values == sorted(values, reverse=descending)
    view.sort("layer")
    # In the order of the model, not of the alphabet.
    order = list(dict.fromkeys(view.column("layer")))
    assert order == ["embedding", "0", "1", "2", "10", "final_norm"]


def test_the_rows_and_the_table_are_saved(driver, page, downloads):
    view = Explorer(driver, page, "experiment=wobble&of.dose=2")
    driver.find_element(ID, "save-rows").click()
    rows = pl.read_csv(wait(lambda: next(downloads.glob("wobble-chosen.csv"), None)))
    assert rows.height == len(view.column("value"))
    assert set(rows["dose"]) == {2}
    driver.find_element(ID, "save-table").click()
    saved = pl.read_csv(wait(lambda: next(downloads.glob("wobble.csv"), None)), infer_schema_length=None)
    assert saved.columns == WOBBLE.columns
    assert saved["model"].to_list() == WOBBLE["model"].to_list()
    assert saved["value"].is_null().to_list() == WOBBLE["value"].is_null().to_list()
    assert saved["value"].drop_nulls().to_list() == pytest.approx(WOBBLE["value"].drop_nulls().to_list(), rel=1e-5)


def test_a_table_without_a_quantity_shows_its_rows(driver, page):
    view = Explorer(driver, page, "experiment=examples")
    assert "no quantity" in view.text("chart")
    assert len(view.column("text")) == 120
    assert view.faults() == []


def test_the_address_keeps_the_view_and_a_wrong_one_does_no_harm(driver, page):
    view = Explorer(driver, page)
    view.choose("experiment", "On wobble")
    view.choose("of.model", "other")
    view.choose("lines", "control")
    kept, chosen = driver.current_url.split("#")[1], view.chosen()
    again = Explorer(driver, page, kept)
    assert again.chosen() == chosen
    nothing = "experiment=none&kind=pie&across=colour&of.model=%22nobody%22&of.probe=fourier&table=7"
    wrong = Explorer(driver, page, nothing)
    assert wrong.chosen()["of.model"] == "llama"
    assert wrong.faults() == []


def test_inside_a_report_the_page_works_without_an_address(driver, page, tmp_path):
    frame = tmp_path / "report.html"
    content = base64.b64encode(page.read_bytes()).decode()
    frame.write_text(f'<iframe width="1400" height="900" src="data:text/html;base64,{content}"></iframe>')
    driver.get(frame.as_uri())
    driver.switch_to.frame(0)
    wait(lambda: driver.find_elements(CSS, "#chart .mark-symbol path"))
    assert driver.find_element(ID, "heading").text == "On accuracy"
    assert [entry["message"] for entry in driver.get_log("browser")] == []


def test_a_table_that_has_no_room_is_named(driver, tmp_path):
    path = tmp_path / "small.html"
    experiments = [Shown(name, f"On {name}", [name]) for name in ("accuracy", "wobble")]
    tables = {name: TABLES[name] for name in ("accuracy", "wobble")}
    whole = explorer_page(experiments, tables, {}, vega_script())
    path.write_text(explorer_page(experiments, tables, {}, vega_script(), len(whole.encode()) - 1), encoding="utf-8")
    view = Explorer(driver, path)
    assert "results/tables/accuracy.csv" in view.text("chart")
    view.choose("experiment", "On wobble")
    assert view.column("value")
    assert view.faults() == []


def test_curves_are_seen_on_dark_screens(page, downloads):
    with chromium(downloads, "--blink-settings=preferredColorScheme=0") as dark:
        view = Explorer(dark, page, "experiment=wobble&lines=control")
        assert dark.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
        strokes = [one.get_attribute("stroke") for one in dark.find_elements(CSS, "#chart .mark-line path")]
        lightest = [max(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in strokes]
        assert strokes and min(lightest) > 120
        assert view.faults() == []
