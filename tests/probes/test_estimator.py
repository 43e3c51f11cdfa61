"""A probe in scikit-learn's terms."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.utils.validation import check_array
from tests.probes.planted import fit, split_of, waves

import numprobe
from numprobe.errors import NumprobeError
from numprobe.probes.codes import CODES

VALUES = np.arange(200)
STATES = waves(VALUES, periods=(2, 5, 10, 200))
SPLIT = split_of(199, folds=3)


@pytest.fixture(scope="module", params=list(CODES))
def probe(request):
    return fit(request.param, STATES, VALUES, SPLIT)


@pytest.fixture(scope="module")
def several():
    return numprobe.fit({"0": STATES, "5": STATES[:, ::-1].copy()}, VALUES, folds=3)


def test_predict_and_score_mean_what_they_mean_in_scikit_learn(probe):
    given = STATES.copy()
    predicted = probe.predict(given)
    assert predicted.shape == (200,) and set(predicted) <= set(probe.classes_)
    assert np.array_equal(predicted, probe.decode(STATES, "0"))
    assert np.array_equal(predicted, probe.predict(given)) and np.array_equal(given, STATES)
    assert probe.score(STATES, VALUES) == accuracy_score(VALUES, predicted)
    weights = np.arange(200) % 3
    assert probe.score(STATES, VALUES, sample_weight=weights) == pytest.approx(
        accuracy_score(VALUES, predicted, sample_weight=weights)
    )
    # What a row says depends on this row alone, whatever holds it.
    assert np.array_equal(probe.predict(STATES[::-1]), predicted[::-1])
    assert np.array_equal(probe.predict(np.asfortranarray(STATES)), predicted)
    assert np.array_equal(probe.predict(torch.tensor(STATES)), predicted)


def test_probabilities_sum_to_one_and_the_largest_is_the_prediction():
    for kind in ("fourier", "helix"):
        probe = fit(kind, STATES, VALUES, SPLIT)
        likely = probe.predict_proba(STATES)
        assert likely.shape == (200, len(probe.classes_)) and likely.min() >= 0
        np.testing.assert_allclose(likely.sum(axis=1), 1)
        assert np.array_equal(probe.classes_[likely.argmax(axis=1)], probe.predict(STATES))
    with pytest.raises(NumprobeError, match="scores of the probe 'digits' are no log-likelihoods"):
        fit("digits", STATES, VALUES, SPLIT).predict_proba(STATES)


def test_tools_of_scikit_learn_take_a_probe():
    probe = fit("fourier", STATES, VALUES, SPLIT)
    assert is_classifier(probe) and probe.n_features_in_ == check_array(STATES).shape[1]
    assert get_scorer("accuracy")(probe, STATES, VALUES) == probe.score(STATES, VALUES)
    likely = probe.predict_proba(STATES)[VALUES, VALUES]
    assert get_scorer("neg_log_loss")(probe, STATES, VALUES) == pytest.approx(np.log(likely).mean(), rel=1e-3)


def test_a_probe_of_several_layers_needs_the_layers_name(several):
    assert several.score(STATES, VALUES, layer=0) > 0.9
    assert several.predict_proba(STATES[:3], "5").shape == (3, 200)
    with pytest.raises(NumprobeError, match=r"several layers: give layer=..., one of 0, 5"):
        several.predict(STATES)


@pytest.mark.parametrize(
    ("states", "numbers", "message"),
    [
        (STATES[:, :5], VALUES, r"shape \[n, 24\], not \[200, 5\]"),
        (STATES[0], VALUES, r"shape \[n, 24\], not \[24\]"),
        (np.full((2, 24), np.inf), VALUES[:2], "NaN or infinite"),
        (STATES, VALUES[:3], r"one number for each of 200 states, not an array of \[3\]"),
        (STATES, VALUES[:, None], r"not an array of \[200, 1\]"),
        (STATES[:0], VALUES[:0], "one number for each of 0 states"),
    ],
)  # fmt: skip
def test_wrong_input_is_answered_with_one_line(states, numbers, message):
    with pytest.raises(NumprobeError, match=message):
        fit("linear", STATES, VALUES, SPLIT).score(states, numbers)


class Cells(HTMLParser):
    """The text of every cell of a page, and the tags that are open."""

    def __init__(self, page):
        super().__init__()
        self.open, self.cells, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data.strip()


def test_a_notebook_shows_what_the_probe_is_and_how_well_it_reads(several):
    named = replace(several, metadata={**several.metadata, "model": "<b>mine</b>", "context": "prices"})
    page = Cells(named._repr_html_())
    assert page.open == [] and "fourier probe of <b>mine</b> in prices" in page.text
    assert page.cells[:5] == ["layer", "accuracy", "95 % interval", "shuffled", "constant"]
    row = several.accuracy.filter(layer="5", control="none").row(0, named=True)
    shown = page.cells[page.cells.index("5") :]
    assert shown[1] == f"{100 * row['value']:.1f}"
    assert shown[2].startswith(f"{100 * row['ci_low']:.1f} to ")
    assert "numbers 0 to 199" in page.text and "200 numbers that the probe has not seen" in page.text


def test_without_measurements_the_page_says_where_they_are(probe):
    assert "results/tables/accuracy.csv of its study does" in probe._repr_html_()
    assert repr(probe) == f"<{probe.kind} probe of tiny in number: 0..199, layer 0, width 24>"


def test_the_line_names_the_best_layer(several):
    read = several.accuracy.filter(control="none").sort("value", descending=True, maintain_order=True)
    assert repr(several).startswith("<fourier probe: 0..199, 2 layers, width 24, reads ")
    assert repr(several).endswith(f"in layer {read['layer'][0]}>")
