from dataclasses import replace

import polars as pl
import pytest

from interventions.operand_model import LAYERS, SPLIT, operand_model
from models.constructed import PERIODS
from numprobe.experiments.ablation.directions import Ablations, few_ranks
from numprobe.experiments.ablation.interchange import interchange_rows
from numprobe.experiments.ablation.measure import COLUMNS
from numprobe.interventions.asked_pairs import ask_pairs
from numprobe.interventions.pairs import TEST, draw_pairs, interchange_split
from numprobe.tables import measurements

#: Directions of the planted waves: the sine of period 2 is null.
PLANTED = 2 * len(PERIODS) - 1
ABLATIONS = Ablations(LAYERS[1:], (2, PLANTED, 200), 1, 30, (2, PLANTED, 200))


def pairs_of(model):
    return ask_pairs(draw_pairs(("+", "-"), interchange_split(SPLIT, 0), TEST, 60, 0), model.answer_model.numbers)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    found = {}
    for reads in ("code", "decoy"):
        model = operand_model(tmp_path_factory.mktemp(reads) / "states", reads)
        asked = model.answer_model, pairs_of(model), model.probe, model.patterns
        found[reads] = measurements(interchange_rows(*asked, ABLATIONS, 0), COLUMNS)
    return found


def value(table, metric="follows", layer="1", **wanted):
    rows = table.filter(metric=metric, layer=layer, **wanted)
    assert rows.height == 1
    return rows["value"][0]


@pytest.mark.parametrize("subspace", ["readout", "patterns"])
def test_the_planted_plane_carries_the_operand_in_the_model_that_reads_it_and_the_rest_in_the_other(tables, subspace):
    own, rest = ({"direction": subspace, "rank": PLANTED, "component": name} for name in ("inside", "rest"))
    assert value(tables["code"], **own) > 0.75 and value(tables["code"], **rest) < 0.1
    assert value(tables["decoy"], **own) < 0.1 and value(tables["decoy"], **rest) > 0.75


def test_the_whole_state_carries_the_operand_until_it_was_read(tables):
    for table in tables.values():
        assert value(table, direction="state") == 1
        assert value(table, direction="state", layer="2") == 0


def test_differences_are_those_of_the_same_pairs(tables):
    for table in tables.values():
        place = {"direction": "patterns", "rank": PLANTED}
        own, rest = (value(table, component=name, **place) for name in ("inside", "rest"))
        random = value(table, direction="random", rank=PLANTED, component="inside", control="random component")
        assert value(table, "follows_over_rest", **place) == pytest.approx(own - rest)
        assert value(table, "follows_over_random", **place) == pytest.approx(own - random)


def test_a_few_random_directions_carry_little_and_all_but_these_carry_much(tables):
    for table in tables.values():
        random = {"direction": "random", "rank": 2, "control": "random component"}
        assert value(table, component="inside", **random) < 0.1 < 0.5 < value(table, component="rest", **random)


def test_ranks_that_a_subspace_does_not_have_are_left_out(tables):
    assert set(tables["code"].filter(pl.col("direction") != "state")["rank"]) == {2, PLANTED}


def test_pairs_that_are_not_answered_correctly_carry_nothing(tmp_path):
    model = operand_model(tmp_path / "states", "code")
    pairs = pairs_of(model)
    wrong = replace(pairs, table=pairs.table.with_columns(number=pl.lit(-1, pl.Int32)))
    (row,) = interchange_rows(model.answer_model, wrong, model.probe, model.patterns, ABLATIONS, 0)
    assert row["status"] == "too few answers" and row["metric"] == "follows"


def test_without_a_wish_every_second_rank_is_interchanged():
    assert few_ranks((1, 2, 4, 8, 16, 32, 64), None) == (1, 4, 16, 64)
    assert few_ranks((4, 16, 64), None) == (4, 64)
    assert few_ranks((4,), None) == (4,)
    assert few_ranks((4, 16, 64), (64, 4, 8)) == (4, 64)
