"""The table of one model's number embeddings."""

import numpy as np
import polars as pl
import pytest

from numprobe.activations.store import write_activations
from numprobe.errors import NumprobeError
from numprobe.measure.vocabulary import EXTRA, vocabulary_rows
from numprobe.tables import measurements

LAST = 119


def card(leading):
    return {"single_token_numbers": {"contiguous_from_minimum": leading}}


@pytest.fixture
def folder(tmp_path):
    """Rows in descending order and some stray numbers; `embedding` is a circle of period 10, `unembedding` constant."""
    values = np.array([*range(LAST, -1, -1), 500, 700])
    angle = 2 * np.pi * values / 10
    circle = np.column_stack([np.sin(angle), np.cos(angle), np.zeros(len(values))]).astype(np.float32)
    batch = {"embedding": circle, "unembedding": np.ones_like(circle)}
    positions = pl.DataFrame({"row": np.arange(len(values), dtype=np.uint32), "number": values.astype(np.int32)})
    write_activations(
        tmp_path, [batch], layers=list(batch), width=3, dtype="float32", positions=positions, details={"model": "fake"}
    )
    return tmp_path


@pytest.fixture
def table(folder):
    return measurements(vocabulary_rows(folder, card([0, LAST]), 0), EXTRA)


def test_all_power_is_at_period_ten(table):
    shares = table.filter(
        (pl.col("metric") == "power_share") & (pl.col("control") == "none") & (pl.col("value") > 0.01)
    )
    assert shares.select("layer", "frequency", "period", "N").rows() == [("embedding", 12, 10.0, 120)]
    assert shares["value"][0] == pytest.approx(1)


def test_every_frequency_is_measured_with_its_null(table):
    shares = table.filter((pl.col("metric") == "power_share") & (pl.col("layer") == "embedding"))
    for control in ("none", "shuffled"):
        part = shares.filter(pl.col("control") == control)
        assert part["frequency"].to_list() == list(range(1, 61))
        assert part["value"].sum() == pytest.approx(1, abs=1e-5)
        assert ((part["ci_low"] <= part["value"]) & (part["value"] <= part["ci_high"])).all()
    assert set(shares["resampled"]) == {"random rotations and dimensions", "permutations of the values"}


def test_a_circle_of_period_ten_separates_ten_residues_and_not_odd_from_even(table):
    kappas = table.filter((pl.col("metric") == "kappa") & (pl.col("layer") == "embedding"))
    values = {(row["control"], row["subset"], row["period"]): row["value"] for row in kappas.iter_rows(named=True)}
    assert values["none", "mod=10", 10] == 1.0
    assert values["none", "mod=2", 2] < 0.1
    assert all(abs(values["shuffled", f"mod={period}", period]) < 0.1 for period in (2, 5, 10))


def test_constant_states_have_a_note_instead_of_values(table):
    constant = table.filter(pl.col("layer") == "unembedding")
    assert constant.select("metric", "value", "status").rows() == [("power_share", None, "constant state")]


@pytest.mark.parametrize("leading", [None, [0, 30]])
def test_too_few_consecutive_numbers_are_named(folder, leading):
    found = measurements(vocabulary_rows(folder, card(leading), 0), EXTRA)
    assert found.select("value", "status", "note").rows() == [
        (None, "not applicable", "fewer than 50 consecutive single-token numbers")
    ]


def test_a_number_that_is_missing_from_the_folder(folder):
    with pytest.raises(
        NumprobeError, match=r"has no row for 120, which the card calls a single token: run extract_voc"
    ):
        vocabulary_rows(folder, card([0, 130]), 0)
