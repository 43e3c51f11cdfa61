import numpy as np
import polars as pl
import pytest

from interventions.operand_model import LAYERS, operand_model
from numprobe.experiments.steering.measure import COLUMNS, Grid, steering_rows
from numprobe.tables import measurements

STRENGTHS = (0.0, 1.0)


def measure(model, questions=None, layers=LAYERS, strengths=STRENGTHS):
    rows = steering_rows(
        model.answer_model,
        questions or model.questions,
        "b",
        model.probe,
        model.patterns,
        Grid(layers, strengths, 40),
        0,
    )
    return measurements(rows, COLUMNS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {reads: operand_model(tmp_path_factory.mktemp(reads) / "states", reads) for reads in ("code", "decoy")}


@pytest.fixture(scope="module")
def tables(models):
    return {reads: measure(model) for reads, model in models.items()}


def shares(table, **wanted):
    """metric -> share of the reported prompts."""
    rows = table.filter(part="test", subset="all", **wanted)
    return {row["metric"]: row["value"] for row in rows.iter_rows(named=True)}


def test_the_probe_reads_every_unseen_operand_of_both_models(models):
    for model in models.values():
        for fold, parts in model.probe.metadata["split"]["folds"].items():
            unseen = np.flatnonzero(np.isin(model.probe.metadata["split"]["blocks"], parts["test"]))
            if fold != "all":
                assert (model.probe.decode(model.answer_model.model.states(unseen), "1", fold) == unseen).all()


@pytest.mark.parametrize("layer", ["0", "1"])
def test_the_answer_follows_in_the_model_that_reads_the_code_alone(tables, layer):
    wanted = {"direction": "patterns", "control": "none", "layer": layer, "strength": 1.0}
    follows, ignores = (shares(tables[reads], **wanted) for reads in ("code", "decoy"))
    assert follows["follows"] > 0.95 and follows["unchanged"] < 0.05
    assert ignores["follows"] == 0 and ignores["unchanged"] > 0.95


@pytest.mark.parametrize("control", ["wrong number", "random direction"])
def test_controls_lead_to_the_number_in_no_model(tables, control):
    for table in tables.values():
        assert shares(table, direction="patterns", control=control, layer="1", strength=1.0)["follows"] < 0.05


def test_the_read_out_is_not_the_direction_in_which_states_move(tables):
    read, written = (
        shares(tables["code"], direction=d, control="none", layer="1", strength=1.0) for d in ("readout", "patterns")
    )
    assert read["follows"] < written["follows"] - 0.3


def test_the_whole_state_of_the_other_number_is_followed_by_any_model(tables):
    for table in tables.values():
        assert shares(table, direction="state", layer="0")["follows"] == 1
        assert shares(table, direction="state", layer="1")["follows"] == 1


def test_no_strength_is_no_change(tables):
    for table in tables.values():
        idle = table.filter(pl.col("strength") == 0)
        assert idle["relative_norm"].unique().to_list() == [0.0]
        assert idle.filter(metric="unchanged")["value"].unique().to_list() == [1.0]
        assert idle.filter(pl.col("metric") != "unchanged")["value"].unique().to_list() == [0.0]


def test_every_answer_is_one_of_three(tables):
    for table in tables.values():
        measured = table.filter(pl.col("metric") != "answered").with_columns(pl.col("control").fill_null("none"))
        wide = measured.pivot(
            "metric", index=["direction", "control", "layer", "strength", "part", "subset"], values="value"
        )
        total = wide.select(pl.sum_horizontal("follows", "unchanged", "other")).to_series()
        assert np.allclose(total, 1) and (wide["no_number"] <= wide["other"]).all()


def test_changes_are_equally_long(tables):
    rows = tables["code"].filter(layer="1", strength=1.0, metric="follows", part="test", subset="all")
    norms = {(row["direction"], row["control"]): row["relative_norm"] for row in rows.iter_rows(named=True)}
    along = norms["patterns", "none"]
    assert norms["patterns", "random direction"] == pytest.approx(along, rel=1e-4)
    assert norms["readout", "none"] == pytest.approx(along, rel=1e-4)


def test_layers_that_no_answer_reads_are_left_out(tables):
    assert set(tables["code"]["layer"].drop_nulls()) == {"0", "1", "2"}
    assert shares(tables["code"], direction="patterns", control="none", layer="2", strength=1.0)["unchanged"] == 1


def test_operands_choose_or_are_reported(tables):
    table = tables["code"]
    chosen = table.filter(pl.col("chosen"), pl.col("metric") == "follows")
    assert chosen.filter(direction="patterns")["strength"].unique().to_list() == [1.0]
    places = chosen.filter(pl.col("direction").is_in(["patterns", "state"]))
    assert places["layer"].n_unique() == 1
    assert set(places.filter(part="test")["subset"]) == {"all", "operation=+", "operation=-"}
    assert set(places.filter(part="test")["control"]) == {"none", "wrong number", "random direction"}
    assert table.filter(metric="answered")["value"].to_list() == [1.0]
    assert set(table["resampled"].drop_nulls()) == {"operands (exact)"}


def test_a_model_that_errs_has_nothing_to_steer(models):
    model = models["code"]
    truth = model.questions.table["b"].to_numpy()
    one = model.questions.take(truth == truth[0])
    table = measure(model, one, strengths=(1.0,))
    assert table["metric"].to_list() == ["answered"] and table["status"].to_list() == ["too few answers"]
