"""The section says who reads more and whose code is shorter, by the paired differences of the table."""

import numpy as np
import polars as pl

from numprobe.experiments.sample_efficiency.findings import section
from numprobe.experiments.sample_efficiency.summary import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements

SIZES = (8, 32, 128, 345)


def row(probe, metric, value, size=345, prompts=1, half=0.02, **more):
    return {
        "model": "m", "context": "number", "layer": "3", "probe": probe, "metric": metric, "value": value,
        "ci_low": value - half, "ci_high": value + half, "train_values": size, "train_prompts": prompts,
        "candidates": 1000, **more,
    }  # fmt: skip


def table(lead: float, saved: float, fourier=(0.0, 0.2, 0.8, 0.9), extra=()) -> pl.DataFrame:
    digits = np.array(fourier) - lead
    rows = [row("fourier", "accuracy", value, size) for value, size in zip(fourier, SIZES, strict=True)]
    rows += [row("digits", "accuracy", value, size) for value, size in zip(digits.tolist(), SIZES, strict=True)]
    rows += [row("fourier", "accuracy", 0.9, fold="0")]
    rows += [row("digits", "accuracy_lead", lead, size) for size in SIZES]
    rows += [row("fourier", "code_length", 4.0), row("digits", "code_length", 4.0 + saved)]
    rows += [row("fourier", "code_length", 9.97, control="shuffled"), row("digits", "bits_saved", saved)]
    return measurements([*rows, *extra], EXTRA)


def page(*arguments, **more):
    return section({"sample_efficiency": table(*arguments, **more)})


def test_a_probe_that_passes_its_rival_with_fewer_numbers_is_better():
    text = page(0.3, 1.5)
    assert "a difference of +30 points [+28, +32]. Better, not better fed: 128 numbers suffice" in text
    assert "its code is shorter than that of `digits` (it saves +1.50 bits [+1.48, +1.52] per number)" in text


def test_what_is_not_shown_is_not_claimed():
    text = page(0.01, 0.01)
    assert "neither is shown to read more" in text and "neither shorter nor longer" in text


def test_a_better_rival_is_said_to_be_better():
    text = page(-0.1, -0.5)
    assert "the rival reads more" in text and "its code is longer" in text


def test_better_only_at_the_full_amount_is_said_so():
    assert "not shown to be better with less" in page(0.05, 0.1, fourier=(0.0, 0.1, 0.2, 0.9))


def test_numbers_stand_in_the_table_with_intervals_and_control():
    text = page(0.3, 1.5)
    assert "| probe | 32 numbers | 345 numbers | bits per number | shuffled |" in text
    assert "| fourier | 20 [18, 22] | 90 [88, 92] | 4.00 [3.98, 4.02] | 9.97 [9.95, 9.99] |" in text
    assert "1 times" in text and "the uniform code takes 9.97" in text


def test_prompts_are_compared():
    extra = [row("fourier", "accuracy", 0.95, prompts=8), row("digits", "accuracy", 0.6, prompts=8)]
    extra += [row("digits", "accuracy_lead", 0.35, prompts=8)]
    text = page(0.3, 1.5, extra=extra)
    assert "With 8 prompts per number `fourier` reads 95 % [93, 97], more than with 1 (90 % [88, 92])" in text


def test_models_without_enough_numbers_are_said_so():
    empty = measurements([{"model": "m", "metric": "accuracy", **not_applicable("3 numbers")}], EXTRA)
    assert "No model has enough" in section({"sample_efficiency": empty})


def test_leads_with_fewer_numbers_are_told():
    text = page(0.3, 1.5)
    assert "With fewer numbers the lead is largest: +30 points [+28, +32] at 8, over `digits`." in text
    text = page(-0.1, 1.5)
    assert "a rival reads more: -10 points [-12, -8] at 8, under `digits`; -10 points" in text


def test_a_rival_of_one_order_is_compared_in_that_order():
    extra = [row("mlp", "accuracy", 0.95, note="one order"), row("mlp", "accuracy_lead", -0.1, note="one order")]
    text = page(0.3, 1.5, extra=extra)
    assert (
        "a difference of -10 points [-12, -8] in the first order, the only one of `mlp`: the rival reads more" in text
    )
