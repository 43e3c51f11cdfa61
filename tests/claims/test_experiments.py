"""Claims of experiments on tables as the experiments write them: each is decided, for the planted effect."""

from pathlib import Path

import polars as pl
import pytest

from experiments.ablation.test_figure import ablation_table
from experiments.causal_subspace.test_findings import rows as causal_rows
from experiments.layer_removal.test_figure import removal_table
from experiments.natural_contexts.test_findings import tables as natural_tables
from experiments.operand_precision.test_figure import precision_table
from experiments.replicates.rows import replicates_table
from experiments.steering.test_figure import steering_table
from numprobe.claims.compare import Readings
from numprobe.claims.declare import read_claims
from numprobe.claims.judge import Outcome, judge
from numprobe.experiments import causal_subspace
from numprobe.experiments.causal_subspace.measure import EXTRA
from numprobe.tables import measurements

FOLDER = Path(causal_subspace.__file__).parents[1]


def outcomes(experiment: str, tables: dict[str, pl.DataFrame], model: str) -> dict[str, Outcome]:
    """Return the outcome of each claim of an experiment for one model."""
    claims = read_claims([FOLDER / experiment / "claims.yaml"]).claims
    found = judge(claims, [model], [], [experiment], tables, Readings.of([]))
    return {result.claim.id: result.outcome for result in found if result.model == model}


@pytest.mark.parametrize(
    ("experiment", "table", "refuted"),
    [
        ("ablation", ablation_table(), ablation_table(inside=0.01, rest=0.9, half=0.01)),
        ("steering", steering_table(), steering_table(follows=0.01)),
        ("operand_precision", precision_table(), precision_table(effect=-0.15)),
    ],
)
def test_claims_on_manipulation_follow_the_planted_effect(experiment, table, refuted):
    assert set(outcomes(experiment, {experiment: table}, "llama").values()) == {Outcome.SUPPORTED}
    assert set(outcomes(experiment, {experiment: refuted}, "llama").values()) == {Outcome.REFUTED}


def test_a_removal_is_judged_where_one_was_chosen():
    """Over all prompts the removal repairs fewer answers than over products alone, but it is chosen and it helps."""
    table = removal_table()
    chosen = table.filter(metric="accuracy_change", part="test", subset="all", chosen=True)
    assert chosen["site"].to_list() == ["attention"]
    assert outcomes("layer_removal", {"layer_removal": table}, "llama") == {"removing-a-part-helps": Outcome.SUPPORTED}
    harmful = table.with_columns(value=-pl.col("value"), ci_low=-pl.col("ci_high"), ci_high=-pl.col("ci_low"))
    assert outcomes("layer_removal", {"layer_removal": harmful}, "llama") == {"removing-a-part-helps": Outcome.REFUTED}
    without = outcomes("layer_removal", {"layer_removal": removal_table(helpful=None)}, "llama")
    assert without == {"removing-a-part-helps": Outcome.NOT_APPLICABLE}


def causal_table(**shares) -> pl.DataFrame:
    rows = [row | ({"ci_low": row["value"] - 0.02, "ci_high": row["value"] + 0.02} if row.get("value") else {})
            for row in causal_rows(**shares)]  # fmt: skip
    return measurements(rows, EXTRA)


def test_the_subspace_that_is_used_is_told_from_the_one_that_is_read():
    found = outcomes("causal_subspace", {"causal_subspace": causal_table()}, "m")
    assert set(found.values()) == {Outcome.SUPPORTED} and len(found) == 4
    found = outcomes("causal_subspace", {"causal_subspace": causal_table(probe=0.9, trained=0.9, own=0.03)}, "m")
    assert found["universal-read-out-carries-less"] == found["own-read-out-carries"] == Outcome.REFUTED


def test_both_directions_of_transfer_and_every_domain_are_compared():
    tables = natural_tables()
    layered = {
        name: pl.concat([table.with_columns(layer=pl.lit(layer)) for layer in ("0", "1", "2")])
        for name, table in tables.items()
    }
    found = outcomes("natural_contexts", layered, "m")
    assert found == {"every-domain-is-read": Outcome.SUPPORTED, "arithmetic-probe-loses-more": Outcome.SUPPORTED}
    alike = pl.when(pl.col("metric") == "accuracy_difference").then(-0.1).otherwise("value")
    bounds = {"value": alike, "ci_low": alike - 0.01, "ci_high": alike + 0.01}
    layered["transfer"] = layered["transfer"].with_columns(**bounds)
    assert outcomes("natural_contexts", layered, "m")["arithmetic-probe-loses-more"] == Outcome.REFUTED


def test_trainings_are_judged_by_the_wider_interval():
    table = replicates_table()
    parts = [table.with_columns(layer=pl.lit(layer)) for layer in ("0", "3")]
    every = pl.concat(
        [table, *(part.unique(["context", "fit_context", "probe"], maintain_order=True) for part in parts)]
    )
    found = outcomes("replicates", {"replicates": every}, "m")
    # Layers 1 and 2 are read at 90 and 70 per cent by every probe.
    assert found == {
        "every-training-is-read": Outcome.REFUTED,
        "fourier-above-linear-over-trainings": Outcome.UNDECIDED,
    }


def test_a_checkpoint_is_shown_and_not_counted():
    table = pl.concat([ablation_table(), ablation_table(("llama-step-300",), inside=0.01, rest=0.9)])
    claims = read_claims([FOLDER / "ablation" / "claims.yaml"]).claims
    models = ["llama", "llama-step-300"]
    found = judge(claims, models, ["llama-step-300"], ["ablation"], {"ablation": table}, Readings.of([]))
    together = [result.outcome for result in found if result.model == ""]
    assert together == [Outcome.SUPPORTED, Outcome.SUPPORTED]
