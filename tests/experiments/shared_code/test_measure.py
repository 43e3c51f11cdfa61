"""One code for all models, from activation folders to rows."""

import numpy as np
import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.experiments.shared_code.measure import (
    EVIDENCE,
    EXTRA,
    Halves,
    evidence_table,
    pooled_evidence,
    shared_code_rows,
    untrained_rows,
)
from numprobe.tables import measurements
from probes.planted import waves, write_folder

COUNT = 120
VALUES = np.arange(COUNT)
HALVES = Halves(0, COUNT - 1, (0, 1), 0)
PERIODS = (2, 5, 10, 120)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("states")

    def folder(name, seed, values=VALUES, **layers):
        states = {"0": waves(values, width=20, periods=PERIODS, seed=seed), **layers}
        return {"number": write_folder(root / name, states, values)}

    noise = np.random.default_rng(5).standard_normal((COUNT, 20))
    return {
        "a": folder("a", 1, **{"1": np.ones((COUNT, 20))}),
        "b": folder("b", 2),
        "c": folder("c", 3, VALUES[::2]),
        "few": folder("few", 4, VALUES[:30]),
        "noise": {"number": write_folder(root / "noise", {"0": noise}, VALUES)},
    }


@pytest.fixture(scope="module")
def sources(folders):
    return {name: pooled_evidence(evidence_table(folders[name], name, HALVES)) for name in ("b", "c")}


@pytest.fixture(scope="module")
def table(folders, sources):
    return measurements(shared_code_rows(folders["a"], sources, "a", HALVES, [(0, 59), (60, 119)]), EXTRA)


def values(table, code, control="none", layer="0", subset="all"):
    chosen = (pl.col("code") == code) & (pl.col("control") == control)
    return table.filter(chosen & (pl.col("layer") == layer) & (pl.col("subset") == subset))["value"]


def test_the_others_code_reads_and_its_baselines_do_not(table):
    assert values(table, "shared").item() > 0.9
    assert values(table, "own").item() > 0.9
    for baseline in ("shuffled", "random", "unweighted"):
        assert values(table, baseline, baseline).item() < 0.15


def test_every_number_is_tested_once_in_each_draw(table):
    measured = table.filter((pl.col("subset") == "all") & pl.col("value").is_not_null())
    assert set(measured["n_values"]) == {COUNT} and set(measured["n_prompts"]) == {2 * COUNT}
    assert (measured["ci_low"] <= measured["value"]).all() and (measured["value"] <= measured["ci_high"]).all()


def test_rows_name_the_models_of_the_code(table):
    assert set(table.filter(pl.col("code") == "shared")["source"]) == {"b + c"}
    assert set(table.filter(pl.col("code") == "one model")["source"]) == {"b", "c"}


def test_ranges_of_numbers_are_subsets(table):
    assert values(table, "shared", subset="values=0..59").len() == 1


def test_states_that_are_one_vector_are_said_to_be(table):
    assert table.filter(pl.col("layer") == "1")["status"].to_list() == ["constant state"]


def test_a_model_without_waves_is_not_read_by_the_others_code(folders, sources):
    rows = untrained_rows(folders["noise"], sources, "a", HALVES)
    assert [row["control"] for row in rows] == ["untrained"]
    assert rows[0]["value"] < 0.1


def test_models_with_few_numbers_lend_nothing_and_are_named(folders, sources):
    assert evidence_table(folders["few"], "few", HALVES).equals(pl.DataFrame(schema=EVIDENCE))
    (row,) = shared_code_rows(folders["few"], sources, "few", HALVES, ())
    assert row["status"] == "not applicable" and row["note"].startswith("fewer than")
    with pytest.raises(NumprobeError, match="no other model has enough numbers"):
        shared_code_rows(folders["a"], {"few": {}}, "a", HALVES, ())


def test_evidence_is_one_row_per_state_half_control_and_column(folders):
    found = evidence_table(folders["b"], "b", HALVES)
    assert found.schema == EVIDENCE
    assert found.height == 1 * 2 * 2 * 2 * (COUNT - 1)
