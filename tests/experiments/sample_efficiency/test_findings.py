"""The section holds who reads more and whose code is shorter, by the paired differences of the table."""

import numpy as np
import polars as pl

from numprobe.experiments.sample_efficiency.findings import section
from numprobe.experiments.sample_efficiency.summary import EXTRA
from numprobe.status import not_applicable
from numprobe.tables import measurements
from numprobe.tell.section import Difference, Estimate, Listed, Reason, Share

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


def of(*arguments, **more):
    return section({"sample_efficiency": table(*arguments, **more)})


def told(found, word):
    """The statements whose sentence holds a word."""
    return [said for said in found.statements if word in str(said)]


def interval(kind, value, half=0.02):
    return kind(value, value - half, value + half)


def test_a_probe_that_passes_its_rival_with_fewer_numbers_is_better():
    found = of(0.3, 1.5)
    (more,) = told(found, "better, not better fed")
    assert (more.subject, more.comparison) == ("`m`, `number`, layer 3", "`digits`")
    assert more.numbers["lead"] == interval(Difference, 0.3)
    assert (more.numbers["values"], more.numbers["enough"]) == (345, 128)
    assert more.numbers["enough_accuracy"] == interval(Share, 0.8)
    (code,) = told(found, "the code of")
    assert code.numbers == {"saved": interval(Estimate, 1.5), "verdict": "shorter"}


def test_what_is_not_shown_is_not_claimed():
    found = of(0.01, 0.01)
    assert told(found, "neither is shown to read more") and not told(found, "better")
    assert told(found, "the code of")[0].numbers["verdict"] == "neither shorter nor longer"


def test_a_better_rival_is_said_to_be_better():
    found = of(-0.1, -0.5)
    assert told(found, "; the rival reads more") and told(found, "the code of")[0].numbers["verdict"] == "longer"


def test_better_only_at_the_full_amount_is_said_so():
    (said,) = told(of(0.05, 0.1, fourier=(0.0, 0.1, 0.2, 0.9)), "not shown to be better with less")
    assert "enough" not in said.numbers


def test_numbers_stand_in_the_grid_with_intervals_and_control():
    found = of(0.3, 1.5)
    (grid,) = found.grids
    assert grid.heads == ["probe", "32 numbers", "345 numbers", "bits per number", "bits, shuffled"]
    assert grid.rows[0] == [
        "fourier", interval(Share, 0.2), interval(Share, 0.9), interval(Estimate, 4.0), interval(Estimate, 9.97),
    ]  # fmt: skip
    assert "1 times" in found.parts[0] and "the uniform code takes 9.97" in found.parts[0]


def test_prompts_are_compared():
    extra = [row("fourier", "accuracy", 0.95, prompts=8), row("digits", "accuracy", 0.6, prompts=8)]
    extra += [row("digits", "accuracy_lead", 0.35, prompts=8)]
    (said,) = told(of(0.3, 1.5, extra=extra), "prompts per number")
    assert (said.numbers["many"], said.numbers["few"], said.numbers["verdict"]) == (8, 1, "more")
    assert said.numbers["accuracy"] == interval(Share, 0.95)
    assert said.numbers["accuracy_of_few"] == interval(Share, 0.9)


def test_models_without_enough_numbers_are_said_so():
    rows = [{"model": "m", "context": "number", "metric": "accuracy", **not_applicable("3 numbers")}]
    found = section({"sample_efficiency": measurements(rows, EXTRA)})
    assert found.parts == ["No model has enough numbers.", Reason("m", "number", "3 numbers")]


def test_leads_with_fewer_numbers_are_told():
    (said,) = told(of(0.3, 1.5), "With fewer numbers")
    assert said.numbers["leads"] == Listed({"8 numbers, `digits`": interval(Difference, 0.3)}, "points")
    (said,) = told(of(-0.1, 1.5), "With fewer numbers")
    assert "a rival reads more" in said.wording
    assert list(said.numbers["leads"].numbers) == [f"{size} numbers, `digits`" for size in SIZES[:-1]]


def test_a_rival_of_one_order_is_compared_in_that_order():
    extra = [row("mlp", "accuracy", 0.95, note="one order"), row("mlp", "accuracy_lead", -0.1, note="one order")]
    (said,) = told(of(0.3, 1.5, extra=extra), "in the first order, the only one of `mlp`; the rival reads more")
    assert said.numbers["lead"] == interval(Difference, -0.1)


def controls(mixed):
    """Rows of an untrained network that reads nothing, and of `mixed`."""
    for control, level, bits in (("untrained", 0.03, 9.8), ("mixed", mixed, 4.1)):
        yield row("fourier", "accuracy", level, control=control, layer=control)
        yield row("digits", "accuracy_lead", level, control=control, layer=control)
        yield row("fourier", "code_length", bits, control=control, layer=control)


def test_states_of_controls_stand_beside_the_model():
    found = of(0.3, 1.5, extra=controls(mixed=0.5))
    (said,) = told(found, "more than of")
    assert (said.subject, said.comparison) == ("`m`, `number`, layer 3", "`untrained` and `mixed`")
    assert (said.numbers["values"], said.numbers["own"]) == (345, interval(Share, 0.9))
    shares = {"`untrained`": interval(Share, 0.03), "`mixed`": interval(Share, 0.5)}
    assert said.numbers["controls"] == Listed(shares, "%")
    (grid,) = found.grids
    assert grid.heads[-3:] == ["bits, shuffled", "bits, untrained", "bits, mixed"]
    assert grid.column("bits, mixed") == [interval(Estimate, 4.1), None]
    assert told(found, "best rival `digits`")[0].numbers["lead"] == interval(Difference, 0.3)


def test_a_control_that_is_read_as_well_leaves_no_code_to_claim():
    (said,) = told(of(0.3, 1.5, extra=controls(mixed=0.88)), "shows no code of the number")
    assert said.comparison == "`mixed`"
    assert not told(of(0.3, 1.5), "of the model")
