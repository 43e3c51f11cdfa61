"""The section on consistency tells the numbers of its table, with their controls."""

from numprobe.experiments.consistency.findings import section
from numprobe.experiments.consistency.measure import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements


def page(across=0.88):
    bounds = {"ci_low": 0.1, "ci_high": 0.99}
    place = {"model": "m", "context": "number", "layer": "2", "other_context": "number", "other_layer": "2"}
    same = {**place, **bounds, "compared": "halves"}
    layers = {**same, "other_layer": "3", "compared": "layers"}
    rows = [
        {**same, "metric": "cka", "value": 0.95},
        {**same, "metric": "cka", "control": "shuffled", "value": 0.01},
        {**same, "metric": "overlap", "value": 0.7},
        {**same, "metric": "overlap", "control": "random", "value": 0.25},
        {**layers, "metric": "cka", "value": across},
        {**layers, "metric": "overlap", "value": 0.3},
        {**same, "compared": "models", "other_model": "n", "metric": "cka", "value": 0.55},
        {**same, "compared": "models", "other_model": "n", "metric": "iou_top10", "value": 0.8},
        {**same, "compared": "models", "other_model": "n", "metric": "iou_top10", "control": "random", "value": 0.01},
        {"compared": "training seeds", "metric": "cka", **not_applicable("no two models")},
    ]
    return section({"consistency": measurements(rows, EXTRA)})


def test_halves_stand_beside_their_controls():
    text = page()
    assert "| model | context | layer | cka | cka shuffled | overlap | overlap random |" in text
    assert "| m | number | 2 | 95 [10, 99] | 1 [10, 99] | 70 [10, 99] | 25 [10, 99] |" in text


def test_pairs_of_models_and_what_is_missing_are_told():
    text = page()
    assert "| m - n | models | number | 55 [10, 99] | 80 [10, 99] | 1 [10, 99] |" in text
    assert "0 of 1 pairs share more waves" in text and "the weights of the waves differ more" in text
    assert "- training seeds: not applicable: no two models" in text


def test_the_sentence_on_layers_depends_on_the_numbers():
    assert "kernels of two layers 88 [88, 88], of two halves 95 [95, 95]" in page()
    assert "the layers share one kernel" in page()
    assert "the kernel changes with the layer" in page(0.4)
