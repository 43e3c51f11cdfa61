"""The sections on patching and denoising say what the numbers say."""

import polars as pl

from figures.outcome_tables import outcome_table
from numprobe.findings import denoising, patching

DENOISED = {"controls": ("none", "wrong number", "random subspace"), "readable": True}


def test_patching_shows_gain_harm_and_controls_of_the_chosen_setting():
    text = patching.section({"patching": outcome_table(settings="default")})
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
    text = patching.section({"patching": table})
    assert "| model | settings | layer |" in text and "| llama | published | 2 |" in text


def test_a_patch_that_repairs_no_more_than_its_controls_is_said_to_reach_nothing():
    table = outcome_table(settings="default").with_columns(value=pl.lit(0.3), ci_low=pl.lit(0.2), ci_high=pl.lit(0.4))
    assert "In no line does the true number repair more" in patching.section({"patching": table})


def test_a_model_that_never_errs_has_nothing_to_repair():
    table = outcome_table(settings="default").filter(pl.col("metric") != "repaired")
    assert "nothing to repair" in patching.section({"patching": table})


def test_denoising_shows_the_change_in_points():
    text = denoising.section({"denoising": outcome_table(**DENOISED)})
    assert text.startswith("## Denoising (label-free)")
    assert "| llama | 2 | 0.5 | 0.40 | 50 [50, 50] | +20.0 [+19.5, +20.5] | 60 [60, 60] | 80 [70, 90] |" in text
    assert (
        "In 2 of 2 lines the label-free repair raises the accuracy (interval above 0), by 20.0 to 20.0 points" in text
    )


def test_the_share_of_the_prompts_is_shown_where_some_are_left_alone():
    text = denoising.section({"denoising": outcome_table(**DENOISED, share=0.5)})
    assert "| norms | changed | right before |" in text and "| llama | 2 | 0.5 | 0.40 | 50% | 50 [50, 50] |" in text


def test_denoising_that_gains_nothing_is_said_to_gain_nothing():
    worse = pl.when(pl.col("metric") == "accuracy_change")
    table = outcome_table(**DENOISED).with_columns(
        value=worse.then(-0.1).otherwise("value"),
        ci_low=worse.then(-0.2).otherwise("ci_low"),
        ci_high=worse.then(-0.05).otherwise("ci_high"),
    )
    text = denoising.section({"denoising": table})
    assert "In no line does the label-free repair raise the accuracy (interval above 0), and lowers it in 2" in text
