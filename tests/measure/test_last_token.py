"""The floor of the last token: by hand, in closed form for digits, and beside probes of a layer that holds no more."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activations.prompts import prompt_table
from models.tiny import digit_tokenizer, save, tiny_model, word_tokenizer
from numprobe.activations.context import Extraction, extract_context
from numprobe.activations.store import read_manifest, read_positions
from numprobe.measure.accuracy import evaluate
from numprobe.measure.last_token import guess, last_token_rows
from numprobe.models.source import ModelSource
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.splits import make_split
from numprobe.tables import measurements, write_table

from .test_digits import readings

CARD = {"single_token_numbers": {"contiguous_from_minimum": [0, 9], "count": 10}}
COUNT = 200
SPLIT = make_split(0, COUNT - 1, "folds", 10, 3, 0)


@given(st.sets(st.integers(0, 5000), min_size=1))
def test_a_guess_is_right_as_often_as_its_digits_at_most(candidates):
    found = guess(np.array(sorted(candidates)))
    assert found.share == 1 / len(candidates)
    assert all(found.share <= share <= 1 for share in found.digits.values())
    assert min(candidates) <= found.middle <= max(candidates)


def test_a_guess_by_hand():
    # Units: all 5. Tens of 15, 115, 125: 1, 1, 2. Hundreds: of 115 and 125.
    found = guess(np.array([5, 15, 115, 125]))
    assert (found.share, found.middle) == (1 / 4, 65)
    assert found.digits == {0: 1.0, 1: 2 / 3, 2: 1.0}


def test_a_single_candidate_is_known():
    found = guess(np.array([70]))
    assert (found.share, found.middle, found.digits) == (1.0, 70.0, {0: 1.0, 1: 1.0})


def digit_study(folder, tokenizer=digit_tokenizer, read_at="token", count=COUNT):
    """The states of a model without positions in its embeddings, two texts for every number."""
    source = ModelSource("path", path=str(save(folder / "model", tiny_model("llama"), tokenizer())))
    texts = [f"{text} {value}" for value in range(count) for text in ("is", "and")]
    write_table(folder / "prompts.parquet", prompt_table(texts, read_at), {})
    extraction = Extraction("m", "c", source, layers=["0"], device="cpu", values=range(COUNT))
    extract_context(extraction, folder / "prompts.parquet", folder / "states", {})
    return folder / "states"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder, the readings of two probes that a real fit gave, and what is measured of them."""
    folder = digit_study(tmp_path_factory.mktemp("digits"))
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probes = fit_closed_form(training_rows(folder, SPLIT), SPLIT, ["fourier", "digits"], [], 0, {"split": described})
    predictions, measured = evaluate(folder, list(probes.values()), CARD, "none", 1000, 0)
    return folder, predictions, measurements(measured)


def row(table, probe, metric, subset="all"):
    return table.filter(pl.col("fold").is_null()).filter(probe=probe, metric=metric, subset=subset).row(0, named=True)


def test_layer_0_of_a_model_without_positions_reads_what_its_last_token_says(digits):
    _, _, table = digits
    floor = row(table, "last_token", "accuracy")["value"]
    read = row(table, "fourier", "accuracy")
    assert read["ci_low"] <= floor <= read["ci_high"]
    # Digit by digit the training numbers speak for the digits that held-out numbers lack.
    assert row(table, "digits", "accuracy")["value"] <= floor
    for probe in ("fourier", "digits"):
        assert row(table, probe, "digit_accuracy", "place=units")["value"] == 1
        read, floor = (row(table, name, "digit_accuracy", "place=tens") for name in (probe, "last_token"))
        assert read["ci_low"] <= floor["value"]


def test_the_floor_of_digits_in_closed_form(digits):
    folder, _, table = digits
    assert read_manifest(folder)["endings"] == [list(range(digit, COUNT, 10)) for digit in range(10)]
    for subset, count in (("all", 200), ("tokens=1", 10), ("tokens=2", 90), ("tokens=3", 100)):
        found = row(table, "last_token", "accuracy", subset)
        assert (found["value"], found["n_values"]) == (pytest.approx(1 / 20), count)
    # From 0, 10, ..., 190 to their median, 95, and so for all units.
    assert row(table, "last_token", "mae")["value"] == pytest.approx(50)
    places = ("units", "tens", "hundreds")
    shares = [row(table, "last_token", "digit_accuracy", f"place={place}")["value"] for place in places]
    # Of 10, 20, ..., 190 two have each tens digit but 0, which one has.
    assert shares == pytest.approx([1, 2 / 19, 1])
    assert set(table.filter(probe="last_token")["control"]) == {"last_token"}


def test_the_floor_weighs_numbers_alike(digits):
    folder, predictions, _ = digits
    read = predictions.filter(probe="digits")
    table = pl.concat([read.filter(number=5), read.filter(number=37).head(1)])
    found = row(measurements(last_token_rows(folder, table, 50, 0)), "last_token", "mae")
    assert (found["n_values"], found["n_prompts"]) == (2, 3)
    # The medians of 5, 15, ..., 195 and of 7, 17, ..., 197 are 100 and 102.
    assert found["value"] == pytest.approx((95 + 65) / 2)


@pytest.mark.parametrize(("tokenizer", "read_at"), [(word_tokenizer, "token"), (digit_tokenizer, "before")])
def test_without_several_tokens_or_before_the_number_there_is_no_floor(tmp_path, tokenizer, read_at):
    folder = digit_study(tmp_path, tokenizer, read_at, count=50)
    assert read_manifest(folder)["endings"] == []
    values = read_positions(folder)["number"].to_numpy()
    assert last_token_rows(folder, readings(values, values), 50, 0) == []


def test_an_untrained_model_and_readings_of_controls_have_no_floor(digits):
    folder, predictions, _ = digits
    assert last_token_rows(folder, predictions.with_columns(control=pl.lit("shuffled")), 50, 0) == []
