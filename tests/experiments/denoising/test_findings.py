import polars as pl

from draw.outcome_tables import outcome_table
from numprobe.experiments.denoising.findings import section

DENOISED = {"controls": ("none", "wrong number", "random subspace"), "readable": True}


def test_denoising_shows_the_change_in_points():
    text = section({"denoising": outcome_table(**DENOISED)})
    assert text.startswith("## Denoising (label-free)")
    assert "| llama | 2 | 0.5 | 0.40 | 50 [50, 50] | +20.0 [+19.5, +20.5] | 60 [60, 60] | 80 [70, 90] |" in text
    assert (
        "In 2 of 2 lines the label-free repair raises the accuracy (interval above 0), by 20.0 to 20.0 points" in text
    )


def test_the_share_of_the_prompts_is_shown_where_some_are_left_alone():
    text = section({"denoising": outcome_table(**DENOISED, share=0.5)})
    assert "| norms | changed | right before |" in text and "| llama | 2 | 0.5 | 0.40 | 50% | 50 [50, 50] |" in text


def test_denoising_that_gains_nothing_is_said_to_gain_nothing():
    worse = pl.when(pl.col("metric") == "accuracy_change")
    table = outcome_table(**DENOISED).with_columns(
        value=worse.then(-0.1).otherwise("value"),
        ci_low=worse.then(-0.2).otherwise("ci_low"),
        ci_high=worse.then(-0.05).otherwise("ci_high"),
    )
    text = section({"denoising": table})
    assert "In no line does the label-free repair raise the accuracy (interval above 0), and lowers it in 2" in text
