"""Ordered words: planted orders are read, permuted ones are not, the probe of digits reads planted digits."""

import numpy as np
import polars as pl
import pytest

from measure.fakes import make_probe
from numprobe.activations.store import write_activations
from numprobe.experiments.ordinals.leave_out import circle_code, line_code
from numprobe.experiments.ordinals.measure import EXTRA, ordinal_rows
from numprobe.experiments.ordinals.words import SETS
from numprobe.measure.draws import Sampling
from numprobe.tables import measurements

NAMES = ("months", "letters", "fullwidth", "roman")


def write_words(folder, states, kept):
    """`kept`: how many members of each set are single tokens."""
    rows = [(name, place, SETS[name].values[place]) for name in NAMES for place in range(kept[name])]
    types = {"set": pl.String, "place": pl.UInt32, "number": pl.Int32}
    positions = pl.DataFrame(rows, schema=types, orient="row").with_row_index("row")
    write_activations(
        folder, [{layer: part.astype(np.float32) for layer, part in states.items()}], layers=list(states),
        width=states["0"].shape[1], dtype="float32", positions=positions,
        details={"model": "m", "context": "word", "members": {name: len(SETS[name].members) for name in NAMES}},
    )  # fmt: skip
    return folder


KEPT = {"months": 12, "letters": 26, "fullwidth": 10, "roman": 3}
COUNT = sum(KEPT.values())


def states(width=3):
    """Circles and lines; of full-width digits the value itself in the first component, as `make_probe` reads it."""
    rng = np.random.default_rng(0)
    codes = [circle_code(np.arange(12), 12)[:, :2], line_code(np.arange(26), 26)[:, :2], np.zeros((13, 2))]
    planted = np.vstack([code @ rng.standard_normal((2, width)) for code in codes])
    planted[38:48, 0] = np.arange(10)
    return planted + 0.01 * rng.standard_normal((COUNT, width))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    root = tmp_path_factory.mktemp("words")
    make_probe(layers=("0",)).save(root / "linear.safetensors")
    folder = write_words(root / "words", {"0": states(), "1": np.ones((COUNT, 3))}, KEPT)
    random = np.random.default_rng(1).standard_normal((COUNT, 3))
    control = write_words(root / "untrained", {"0": random, "1": random}, KEPT)
    rows = ordinal_rows(folder, control, [root / "linear.safetensors"], Sampling(99, 100, 0))
    return measurements(rows, EXTRA)


def value(table, subset, metric, control="none", **columns):
    rows = table.filter(pl.col("subset") == subset, pl.col("metric") == metric, pl.col("control") == control)
    return rows.filter(pl.col("layer") == "0", *(pl.col(name) == want for name, want in columns.items()))


def test_planted_orders_are_read_and_permuted_ones_are_not(table):
    for subset, code in (("months", "circle"), ("letters", "line")):
        found = value(table, subset, "accuracy", reader=code)
        assert found["value"].item() > 0.6
        assert found["p_value"].item() == pytest.approx(0.01)
        assert found["ci_low"].item() < found["value"].item()
        assert value(table, subset, "accuracy", "shuffled", reader=code)["value"].item() < 0.2
        assert value(table, subset, "accuracy", "untrained", reader=code)["value"].item() < 0.4


def test_cycles_and_lines_have_their_own_correlation(table):
    assert value(table, "months", "circular_agreement")["value"].item() > 0.9
    assert value(table, "letters", "rank_correlation", reader="line")["value"].item() > 0.95
    assert value(table, "months", "rank_correlation").is_empty()


def test_the_probe_of_digits_reads_the_digits_and_not_the_letters(table):
    for metric in ("read_among_set", "read_exactly"):
        assert value(table, "fullwidth", metric)["value"].item() == 1
    assert value(table, "fullwidth", "read_among_set", "shuffled")["value"].item() == pytest.approx(0.1, abs=0.04)
    assert value(table, "fullwidth", "read_among_set")["p_value"].item() == pytest.approx(0.01)
    assert value(table, "letters", "read_among_set")["value"].item() < 0.3


def test_what_cannot_be_measured_is_named(table):
    assert table.filter(pl.col("subset") == "roman")["note"].to_list() == ["3 of 20 are single tokens"]
    assert set(table.filter(pl.col("layer") == "1", pl.col("metric") == "accuracy")["status"]) == {"constant state"}
