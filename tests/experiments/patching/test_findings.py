import polars as pl

from draw.outcome_tables import outcome_table
from numprobe.experiments.patching.findings import section


def test_patching_shows_gain_harm_and_controls_of_the_chosen_setting():
    text = section({"patching": outcome_table(settings="default")})
    assert text.startswith("## Patching (oracle)")
    assert (
        "| model | layer | strength | norms | right before | right after | repaired | "
        "repaired, wrong number | repaired, random direction | harmed | answers the wrong number |"
    ) in text
    assert "| llama | 2 | 0.5 | 0.40 | 50 [50, 50] | 70 [70, 70] | 60 [60, 60] | 1 [0, 2] | 1 [0, 2] | 10 [" in text
    assert "| model | + | / |\n|---|---|---|\n| llama | 60 [60, 60] | 60 [60, 60] |" in text
    assert "In 2 of 2 lines the true number repairs more than both controls" in text


def test_published_settings_are_lines_of_their_own():
    table = pl.concat([outcome_table(("llama",), settings=name) for name in ("default", "published")])
    text = section({"patching": table})
    assert "| model | settings | layer |" in text and "| llama | published | 2 |" in text


def test_a_patch_that_repairs_no_more_than_its_controls_is_said_to_reach_nothing():
    table = outcome_table(settings="default").with_columns(value=pl.lit(0.3), ci_low=pl.lit(0.2), ci_high=pl.lit(0.4))
    assert "In no line does the true number repair more" in section({"patching": table})


def test_a_model_that_never_errs_has_nothing_to_repair():
    table = outcome_table(settings="default").filter(pl.col("metric") != "repaired")
    assert "nothing to repair" in section({"patching": table})
