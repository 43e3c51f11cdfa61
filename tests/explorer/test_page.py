"""The page holds its tables, needs no network, and is never larger than allowed."""

import json
import re
import sys

import pytest

from draw.fake_tables import accuracy_table
from explorer.unseen import unseen_table
from numprobe.errors import NumprobeError
from numprobe.explorer.colours import on_dark, series_colours
from numprobe.explorer.page import Shown, explorer_page
from numprobe.explorer.vega import vega_script

TABLES = {"accuracy": accuracy_table(), "wobble": unseen_table()}
EXPERIMENTS = [Shown("accuracy", "Accuracy", ["accuracy"]), Shown("wobble", "Wobble </script>", ["wobble"])]


def page(script: str = "vegaEmbed = 0;", **options: int) -> str:
    return explorer_page(EXPERIMENTS, TABLES, {"wobble": "<p>It wobbles.</p>"}, script, **options)


def held(text: str) -> set[str]:
    return set(re.findall(r'id="packed-(\w+)"', text))


def test_a_page_holds_its_experiments_and_tables():
    text = page()
    assert held(text) == set(TABLES)
    (told,) = re.findall(r'<script type="application/json" id="given">(.*?)</script>', text)
    told = json.loads(told)
    assert [one["title"] for one in told["experiments"]] == ["Accuracy", "Wobble </script>"]
    assert [one["finding"] for one in told["experiments"]] == [None, "<p>It wobbles.</p>"]


def test_a_page_loads_nothing_and_forbids_connections():
    text = page()
    assert re.findall(r'<(?:script|img|iframe)[^>]* src=|<link[^>]* href="(?!data:)|@import|url\(', text) == []
    assert "default-src 'none'" in text


def test_the_same_tables_give_the_same_page():
    assert page() == page()


def test_the_end_of_a_script_inside_a_script_does_not_end_it():
    text = page('var end = "</script>", pattern = /</g;')
    assert 'var end = "<\\/script>", pattern = /</g;' in text
    assert text.count("</script>") == text.count("<script")


def test_the_largest_tables_are_left_out_of_a_page_that_would_be_too_large():
    whole = len(page().encode())
    assert held(page(limit=whole)) == set(TABLES)
    smaller = page(limit=whole - 1)
    assert held(smaller) == {"wobble"}
    assert len(smaller.encode()) < whole


@pytest.mark.parametrize("colour", ["#000000", "#222222", "#0072B2", "#882255"])
def test_dark_colours_are_light_on_a_dark_ground(colour):
    red, green, blue = (int(on_dark(colour)[place : place + 2], 16) for place in (1, 3, 5))
    assert (max(red, green, blue) + min(red, green, blue)) / 2 > 120


def test_probes_have_the_colours_of_the_figures():
    colours = series_colours()
    assert colours["light"]["probe"]["fourier"] == "#0072B2"
    assert set(colours["dark"]["control"]) == set(colours["light"]["control"])


def test_a_missing_library_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(NumprobeError, match=r"vl-convert-python.*is not installed.*make setup"):
        vega_script()
