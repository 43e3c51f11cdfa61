import polars as pl
import pytest

from draw.outcome_tables import outcome_table
from numprobe.experiments.denoising.findings import section
from numprobe.tell.section import Difference, Share, markdown

DENOISED = {"controls": ("none", "wrong number", "random subspace"), "readable": True}


def test_the_repair_stands_beside_what_is_readable_and_its_controls():
    found = section({"denoising": outcome_table(**DENOISED)})
    setting, operations = found.grids
    assert setting.column("model") == ["llama", "olmo2"] and setting.rows[0][1:3] == ["2", 0.5]
    assert setting.column("change")[0].value == 0.2 and isinstance(setting.column("change")[0], Difference)
    assert [setting.column(head)[0].value for head in ("repaired", "readable", "repaired, wrong number")] == [
        0.6, 0.8, 0.01,
    ]  # fmt: skip
    assert operations.heads == ["model", "+", "/"] and operations.column("/")[1].value == 0.2
    assert markdown(found).startswith("## Repair without labels (`denoising`)")


def test_cases_that_gain_are_counted():
    (said,) = section({"denoising": outcome_table(**DENOISED)}).statements
    assert (said.numbers["change"].higher, said.numbers["ahead"]) == (2, 2)
    assert said.numbers["least"].value == said.numbers["most"].value == pytest.approx(0.2)
    assert (said.subject, said.comparison) == ("llama, olmo2", "both controls")


def test_the_share_of_the_prompts_is_shown_where_some_are_left_alone():
    setting, _ = section({"denoising": outcome_table(**DENOISED, share=0.5)}).grids
    assert setting.column("changed") == [Share(0.5)] * 2
    assert "changed" not in section({"denoising": outcome_table(**DENOISED)}).grids[0].heads


@pytest.mark.parametrize(("low", "high", "lowered"), [(-0.12, -0.08, 2), (-0.2, 0.1, 0)])
def test_cases_that_lose_are_counted_where_none_gains(low, high, lowered):
    worse = pl.when(pl.col("metric") == "accuracy_change")
    table = outcome_table(**DENOISED).with_columns(
        value=worse.then(-0.1).otherwise("value"),
        ci_low=worse.then(low).otherwise("ci_low"),
        ci_high=worse.then(high).otherwise("ci_high"),
    )
    (said,) = section({"denoising": table}).statements
    change = said.numbers["change"]
    assert (change.higher, change.lower, change.undecided) == (0, lowered, 2 - lowered)
    assert ("would have been seen" in str(said).split(". ")[0]) == (lowered == 0)
