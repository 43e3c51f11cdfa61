"""The section on consistency holds the numbers of its table, with their controls."""

import pytest

from numprobe.experiments.consistency.findings import section
from numprobe.experiments.consistency.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import Reason, Share, markdown


def found(across=0.88, waves=0.8, chance=0.99):
    bounds = {"ci_low": 0.1, "ci_high": 0.99}
    place = {"model": "m", "context": "number", "layer": "2", "other_context": "number", "other_layer": "2"}
    same = {**place, **bounds, "compared": "halves"}
    layers = {**same, "other_layer": "3", "compared": "layers"}
    pair = {**same, "compared": "models", "other_model": "n"}
    rows = [
        {**same, "metric": "cka", "value": 0.95},
        {**same, "metric": "cka", "control": "shuffled", "value": 0.01},
        {**same, "metric": "overlap", "value": 0.7},
        {**same, "metric": "overlap", "control": "random", "value": 0.25},
        {**layers, "metric": "cka", "value": across},
        {**layers, "metric": "overlap", "value": 0.3},
        {**pair, "metric": "cka", "value": 0.55},
        {**pair, "metric": "iou_top10", "value": waves},
        {**pair, "metric": "iou_top10", "control": "random", "value": 0.01, "ci_high": chance},
        {"compared": "training seeds", "metric": "cka", **not_applicable("no two models")},
    ]
    return section({"consistency": measurements(rows, EXTRA)})


def cells(*values, high=0.99):
    return [Share(value, 0.1, high) for value in values]


def test_halves_stand_beside_their_controls():
    halves = found().grids[0]
    assert halves.heads == ["model", "context", "layer", "cka", "cka shuffled", "overlap", "overlap random"]
    assert halves.rows == [["m", "number", "2", *cells(0.95, 0.01, 0.7, 0.25)]]


def test_pairs_of_models_and_what_is_missing_are_told():
    assert found().grids[1].rows == [["m – n", "models", "number", *cells(0.55, 0.8, 0.01)]]
    assert Reason("training seeds", None, "no two models") in found().parts


@pytest.mark.parametrize(("chance", "above"), [(0.99, 0), (0.79, 1)])
def test_pairs_that_share_more_waves_than_random_sets_are_counted(chance, above):
    numbers = found(chance=chance).statements[1].numbers
    assert (numbers["above"], numbers["pairs"]) == (above, 1)
    assert numbers["kernels"] == Share(0.55, 0.55, 0.55)


def test_medians_of_layers_stand_beside_those_of_halves():
    assert found().statements[0].numbers == {
        "layers": Share(0.88, 0.88, 0.88),
        "halves": Share(0.95, 0.95, 0.95),
        "across": Share(0.3, 0.3, 0.3),
        "same": Share(0.7, 0.7, 0.7),
    }


def test_the_section_is_worded():
    text = markdown(found(chance=0.79))
    assert "1 of 1 pairs share more waves than random sets do (95 %). The two measures have no common scale." in text
