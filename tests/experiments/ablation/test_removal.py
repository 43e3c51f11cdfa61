from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from interventions.operand_model import LAYERS, operand_model
from models.constructed import PERIODS
from numprobe.experiments.ablation.directions import Ablations
from numprobe.experiments.ablation.measure import COLUMNS
from numprobe.experiments.ablation.removal import removal_rows
from numprobe.tables import measurements

#: Directions of the planted waves: the sine of period 2 is null.
PLANTED = 2 * len(PERIODS) - 1


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    found = {}
    for reads in ("code", "decoy"):
        model = operand_model(tmp_path_factory.mktemp(reads) / "states", reads)
        ablations = Ablations(LAYERS[1:], (2, PLANTED, 30, 200), 1, 30, (PLANTED,))
        rows = removal_rows(model.answer_model, model.questions, "b", model.probe, model.patterns, ablations, 0)
        found[reads] = measurements(rows, COLUMNS)
    return found


def value(table, metric, component="inside", **wanted):
    known = pl.col("component").is_null() | (pl.col("component") == component)
    rows = table.filter(known, metric=metric, subset="all", **wanted)
    assert rows.height == 1
    return rows["value"][0]


@pytest.mark.parametrize("subspace", ["readout", "patterns"])
def test_the_planted_plane_carries_the_answers_of_the_model_that_reads_it_alone(tables, subspace):
    wanted = {"layer": "1", "direction": subspace, "rank": PLANTED}
    assert value(tables["code"], "harmed", **wanted) > 0.75
    assert value(tables["decoy"], "harmed", **wanted) < 0.1


@pytest.mark.parametrize("subspace", ["readout", "patterns"])
def test_without_all_but_the_planted_plane_only_the_model_that_reads_it_answers(tables, subspace):
    wanted = {"layer": "1", "direction": subspace, "rank": PLANTED, "component": "rest"}
    assert value(tables["code"], "harmed", **wanted) < 0.1
    assert value(tables["decoy"], "harmed", **wanted) > 0.75


def test_the_harm_beyond_random_directions_is_that_of_the_same_prompts(tables):
    for table in tables.values():
        for subspace in ("readout", "patterns"):
            place = {"layer": "1", "rank": PLANTED}
            own = value(table, "harmed", direction=subspace, **place)
            as_long = value(table, "harmed", direction="random", control="random subspace", **place)
            more = table.filter(metric="harmed_over_random", direction=subspace, **place)
            assert more["value"].to_list() == [pytest.approx(own - as_long)]
            assert more["ci_low"][0] <= more["value"][0] <= more["ci_high"][0]


def test_random_directions_take_little_with_them(tables):
    for table in tables.values():
        for control in ("random component", "random subspace"):
            wanted = {"layer": "1", "direction": "random", "control": control, "rank": 2}
            assert value(table, "harmed", **wanted) < 0.3


def test_scaled_random_components_are_as_long_as_the_longer_of_the_others(tables):
    rows = tables["code"].filter(layer="1", rank=PLANTED, metric="harmed", subset="all", component="inside")
    norms = {(row["direction"], row["control"]): row["relative_norm"] for row in rows.iter_rows(named=True)}
    longer = max(norms["readout", "none"], norms["patterns", "none"])
    assert norms["random", "random subspace"] == pytest.approx(longer, rel=1e-3)
    assert norms["random", "random component"] < longer


def test_without_the_whole_state_nothing_is_right_and_after_it_was_read_nothing_is_lost(tables):
    for table in tables.values():
        assert value(table, "harmed", layer="1", direction="state") > 0.9
        assert value(table, "harmed", layer="2", direction="state") == 0
        assert value(table, "accuracy_before") == 1
    assert set(tables["code"]["layer"].drop_nulls()) == {"1", "2"}


def test_harm_and_accuracy_tell_the_same_where_all_answers_were_right(tables):
    table = tables["code"].filter(subset="all")
    keys = ["layer", "direction", "control", "rank"]
    harmed = table.filter(pl.col("component").is_null() | (pl.col("component") == "inside"), metric="harmed")
    both = harmed.join(table.filter(metric="accuracy_after"), on=keys)
    assert np.allclose(both["value"] + both["value_right"], 1)


def test_ranks_that_a_subspace_does_not_have_are_left_out(tables):
    ranks = tables["code"].filter(layer="1", metric="harmed", subset="all")
    assert 200 not in ranks["rank"] and 30 in ranks.filter(direction="random")["rank"]
    assert ranks.filter(direction="state")["rank"].to_list() == [48]
    assert ranks.filter(pl.col("direction") == "patterns")["rank"].max() < 30


def test_operations_are_told_apart(tables):
    rows = tables["code"].filter(layer="1", direction="patterns", rank=PLANTED, metric="harmed", component="inside")
    assert rows["subset"].to_list() == ["all", "operation=+", "operation=-"]
    assert rows["resampled"].str.starts_with("true results").all()


def test_a_model_without_right_answers_has_nothing_to_lose(tmp_path):
    model = operand_model(tmp_path / "states", "code")
    table = model.questions.table.with_columns(number=pl.lit(0, pl.Int32))
    unanswerable = replace(model.questions, table=table).take((model.questions.table["number"] > 0).to_numpy())
    ablations = Ablations(("1",), (2,), 1, 20)
    rows = removal_rows(model.answer_model, unanswerable, "b", model.probe, model.patterns, ablations, 0)
    assert {(row["metric"], row["value"], row["status"]) for row in rows} == {
        ("accuracy_before", 0.0, "too few answers")
    }
