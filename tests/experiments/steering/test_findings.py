import polars as pl
import pytest

from experiments.steering.test_figure import SKIPPED, steering_table
from numprobe.experiments.steering.findings import section
from numprobe.tell.section import Share, markdown
from numprobe.tell.tested import Tally


def test_the_section_shows_who_follows_beside_controls_and_harm():
    found = section({"steering": pl.concat([steering_table(("llama", "olmo2")), SKIPPED])})
    chosen, layers = found.grids
    assert chosen.column("model") == ["llama"] * 3 + ["olmo2"] * 3
    assert chosen.column("operation") == ["all", "+", "-"] * 2
    assert chosen.column("layer")[0] == "1" and chosen.column("prompts")[0] == 90
    values = {head: chosen.column(head)[0].value for head in chosen.heads[6:]}
    assert values == pytest.approx(
        {"follows": 0.9, "neither": 0.025, "whole state follows": 1, "read-out follows": 0.3, "third number": 0.01,
         "random direction": 0.01}
    )  # fmt: skip
    assert [cell.value for cell in layers.column("0")] == [0.45, 0.5] * 2
    assert layers.column("direction") == ["patterns", "state"] * 2


def test_models_that_follow_are_counted():
    too_few, compared = section({"steering": pl.concat([steering_table(("llama", "olmo2")), SKIPPED])}).statements
    assert (too_few.subject, too_few.numbers) == ("weak", {"answered": Share(0.02)})
    assert compared.subject == "llama, olmo2"
    assert (compared.numbers["follow"], compared.numbers["models"]) == (2, 2)
    above, below = Tally(2, 0, 0, 0, 0.05), Tally(0, 2, 0, 0, 0.05)
    assert compared.numbers["tests"].numbers == {
        "the whole state replaced": below, "the read-out": above, "third number": above, "random direction": above,
    }  # fmt: skip
    assert "move its state along the patterns, not along the probe's weights" in str(compared)


def test_a_read_out_that_does_as_well_is_no_worse():
    (compared,) = section({"steering": steering_table(readout=0.9)}).statements
    assert compared.numbers["follow"] == 1 and compared.numbers["tests"].numbers["the read-out"].higher == 0
    assert "along the patterns, not along the probe's weights" not in str(compared)


def test_models_that_ignore_the_code_follow_in_no_number():
    narrow = pl.col("ci_high").clip(upper_bound=pl.col("value") + 0.01)
    (compared,) = section({"steering": steering_table(follows=0.01).with_columns(ci_high=narrow)}).statements
    assert compared.numbers["follow"] == 0 and "did not change what these models answer" in str(compared)


def test_wide_intervals_conclude_nothing():
    wide = steering_table(follows=0.1).with_columns(ci_low=pl.lit(0.0), ci_high=pl.lit(0.9))
    (compared,) = section({"steering": wide}).statements
    assert compared.numbers["tests"].numbers["third number"].undecided == 1 and "model builder" not in str(compared)


def test_nothing_but_models_without_right_answers_is_no_grid():
    found = section({"steering": SKIPPED})
    assert found.grids == [] and [said.subject for said in found.statements] == ["all models", "weak"]
    assert markdown(found).startswith("## Operands moved to other numbers")
