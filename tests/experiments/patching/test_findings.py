import polars as pl

from draw.outcome_tables import outcome_table
from numprobe.experiments.patching.findings import section
from numprobe.tell.section import markdown


def test_gain_harm_and_controls_of_the_chosen_setting_stand_side_by_side():
    found = section({"patching": outcome_table(settings="default")})
    setting, repaired, harmed = found.grids
    assert setting.column("model") == ["llama", "olmo2"] and setting.rows[0][1:3] == ["2", 0.5]
    values = {head: setting.column(head)[0].value for head in setting.heads[4:]}
    assert values == {
        "right before": 0.5, "right after": 0.7, "repaired": 0.6, "repaired, wrong number": 0.01,
        "repaired, random direction": 0.01, "harmed": 0.1, "answers the wrong number": 0.01,
    }  # fmt: skip
    assert [cell.value for cell in repaired.column("/")] == [0.6, 0.6]
    assert [cell.value for cell in harmed.column("+")] == [0.1, 0.1]
    assert (found.statements[0].numbers["ahead"], found.statements[0].numbers["cases"]) == (2, 2)
    assert {name: one.higher for name, one in found.statements[0].numbers["tests"].numbers.items()} == {
        "wrong number": 2, "random direction": 2,
    }  # fmt: skip
    assert "an oracle" in markdown(found).splitlines()[0]


def test_published_settings_are_cases_of_their_own():
    table = pl.concat([outcome_table(("llama",), settings=name) for name in ("default", "published")])
    found = section({"patching": table})
    assert found.grids[0].column("settings") == ["default", "published"]
    assert found.statements[0].subject == "llama default, llama published"


def test_a_patch_that_repairs_no_more_than_its_controls_is_counted_as_none():
    table = outcome_table(settings="default").with_columns(value=pl.lit(0.0), ci_low=pl.lit(-0.1), ci_high=pl.lit(0.1))
    (said,) = section({"patching": table}).statements
    assert (said.numbers["ahead"], said.numbers["cases"]) == (0, 2)
    assert said.numbers["tests"].numbers["wrong number"].undecided == 2 and "would have been seen" in str(said)


def test_a_number_that_is_written_behind_the_last_block_is_right_by_construction():
    table = outcome_table(settings="default", chosen=("3", 1.0))
    _, said = section({"patching": table}).statements
    assert said.numbers == {"last": 2, "cases": 2} and "by construction" in str(said)


def test_a_model_that_never_errs_has_nothing_to_repair():
    table = outcome_table(settings="default").filter(~pl.col("metric").str.starts_with("repaired"))
    (said,) = section({"patching": table}).statements
    assert said.numbers["cases"] == 0 and "nothing to repair" in str(said)
