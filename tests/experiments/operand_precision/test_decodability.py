import numpy as np
import polars as pl
import pytest

from measure.fakes import SPLIT, make_probe
from measure.fakes import write_folder as write_fake
from numprobe.experiments.operand_precision.decodability import DECODABILITY, decodability
from numprobe.experiments.operand_precision.measure import COLUMNS, crossed_errors, precision_rows
from numprobe.experiments.operand_precision.pairs import crossed_pairs, crossed_prompts
from numprobe.probes.dataset import describe_split, training_rows
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.splits import make_split
from numprobe.tables import measurements
from probes.planted import waves, write_folder

BLURRED = np.arange(3, 200, 9)


def test_a_number_is_decodable_if_all_its_states_are_read(tmp_path):
    values = np.repeat(np.arange(100), 2)
    seen = values.copy()
    seen[2 * 42] = 50
    table = decodability(write_fake(tmp_path / "states", values, seen=seen), make_probe())
    assert table.schema == DECODABILITY
    assert table["number"].to_list() == [*range(100)] * 2 and table["layer"].to_list() == ["0"] * 100 + ["1"] * 100
    assert table.filter(~pl.col("decodable"))["number"].to_list() == [42, 42]
    one = decodability(tmp_path / "states", make_probe(folds=[SPLIT.folds[0].name]), ["1"])
    tested = np.flatnonzero(np.isin(SPLIT.block_of(np.arange(100)), SPLIT.folds[0].test))
    assert one["layer"].unique().to_list() == ["1"] and one["number"].to_list() == tested.tolist()


def planted(folder, layers=("embedding",)):
    """Waves of 0..199, of which some numbers are blurred, and probes of them."""
    values = np.arange(200)
    clean = waves(values, noise=0.02, periods=(2, 5, 10, 40, 200))
    noise = np.random.default_rng(7).standard_normal(clean.shape) * np.where(np.isin(values, BLURRED), 1.0, 0)[:, None]
    write_folder(folder, dict.fromkeys(layers, clean + noise), values)
    split = make_split(0, 199, "folds", 5, 3, 0)
    described = describe_split(split, split.folds)
    probes = fit_closed_form(training_rows(folder, split), split, ["fourier", "linear"], [], 0, {"split": described})
    return list(probes.values())


def test_blurred_numbers_have_a_low_probability(tmp_path):
    fourier, _ = planted(tmp_path / "states")
    table = decodability(tmp_path / "states", fourier)
    blurred = pl.col("number").is_in(BLURRED.tolist())
    assert table.filter(blurred)["decodable"].mean() < 0.2 and table.filter(~blurred)["decodable"].mean() > 0.9
    assert table.filter(blurred)["log_probability"].mean() < -3
    assert table.filter(~blurred)["log_probability"].mean() > -1


def test_a_model_that_errs_where_its_embeddings_are_blurred_is_found_out(tmp_path):
    probes = planted(tmp_path / "vocabulary")
    reader, _ = planted(tmp_path / "operand", ("0", "1"))
    pairs = crossed_pairs(0, 199, 10, 0)
    hard = np.where(np.isin(pairs["number"].to_numpy(), BLURRED), 0.7, 0.1)
    right = pl.Series(np.random.default_rng(0).random(len(hard)) >= hard)
    errors = crossed_errors(pairs, crossed_prompts(pairs).select("prompt", "number", right=right))
    vocabulary = (tmp_path / "vocabulary", probes)
    rows = precision_rows(errors, vocabulary, [(tmp_path / "operand", reader)], 99, 100, 0)
    table = measurements(rows, COLUMNS).filter(subset="all")
    matched = table.filter(metric="matched_difference", probe="fourier")
    assert matched["value"][0] == pytest.approx(0.6, abs=0.15) and matched["ci_low"][0] > 0.3
    graded = table.filter(metric="error_correlation_matched", control="none")
    assert graded["layer"].to_list() == ["embedding", "0", "1"]
    assert (graded["p_value"] <= 0.02).all() and (graded["ci_high"] < 0).all()
    assert table.filter(probe="linear").height > 0
