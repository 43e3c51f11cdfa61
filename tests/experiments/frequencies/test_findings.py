"""The section on waves."""

import polars as pl
import pytest

from draw.geometry_tables import frequencies_table, shared_frequencies_table
from numprobe.experiments.frequencies.findings import section
from numprobe.measure.collect import collect
from numprobe.tell.page import group_sections
from numprobe.tell.section import Estimate, PValue, Reason, markdown


def found(waves=None):
    waves = frequencies_table() if waves is None else waves
    return section({"frequencies": waves, "shared_frequencies": shared_frequencies_table()})


def about(value, low, high):
    return Estimate(pytest.approx(value), pytest.approx(low), pytest.approx(high))


def test_sparsity_of_embeddings_and_middle_layers_stands_beside_its_controls():
    embedded, middle = found().grids[0].rows[:2]
    assert embedded[:3] == ["llama", "embedding", 100]
    controls = [about(0.06, 0.054, 0.066), about(0.9, 0.81, 0.99), about(0.8, 0.72, 0.88)]
    assert embedded[3:] == [*controls, about(0.0125, 0.00625, 0.025)]
    assert middle[:3] == ["llama", "2", 100]


@pytest.mark.parametrize(("inner", "sparser"), [(0.06, 0), (0.053, 1)])
def test_models_whose_middle_layer_is_sparser_are_counted(inner, sparser):
    middle = (pl.col("model") == "llama") & (pl.col("layer") == "2") & (pl.col("control") == "none")
    lowered = pl.when(middle & (pl.col("metric") == "participation")).then(inner).otherwise(pl.col("ci_high"))
    said = found(frequencies_table().with_columns(lowered.alias("ci_high"))).statements[0]
    assert said.numbers == {"sparser": sparser, "models": 3}


def test_kappa_stands_beside_power():
    row = next(row for row in found().grids[1].rows if row[:3] == ["minilm", "3", 10])
    assert row[3:] == 2 * [about(0.9, 0.88, 0.92), about(0.02, 0, 0.04)]


@pytest.mark.parametrize(("kappa", "without"), [(0.5, 0), (0.49, 1)])
def test_power_without_a_usable_remainder_is_counted(kappa, without):
    chosen = (pl.col("model") == "llama") & (pl.col("layer") == "2") & (pl.col("subset") == "mod=10")
    chosen &= (pl.col("metric") == "kappa") & (pl.col("control") == "none")
    lowered = pl.when(chosen).then(kappa).otherwise(pl.col("value")).alias("value")
    said = found(frequencies_table().with_columns(lowered))
    assert said.statements[1].numbers == {"without": without, "states": 18, "usable": 0.5}


def test_overlaps_stand_beside_nulls():
    overlaps, said = found().grids[2], found().statements[2]
    row = next(row for row in overlaps.rows if row[0] == "llama – olmo2")
    assert row[1:] == [1000, about(0.9, 0.88, 0.92), PValue(0.001), about(0, -0.02, 0.02), about(0.3, 0.28, 0.32)]
    assert said.numbers == {"above": 3, "pairs": 3}


def test_models_with_too_few_numbers_are_given_a_reason():
    assert Reason("chunky", "vocabulary", "fewer than 50 consecutive single-token numbers") in found().parts


def test_a_model_whose_matrix_is_left_out_is_named_once():
    reason = Reason("digits", "vocabulary", "its numbers are several tokens")
    waves = collect([frequencies_table()], ["digits:vocabulary:its numbers are several tokens"])
    tables = {"frequencies": waves, "shared_frequencies": shared_frequencies_table()}
    (written,) = group_sections(tables, ["frequencies"])
    assert [part for part in written.parts if part == reason] == [reason]


def test_the_page_says_what_follows_from_the_numbers():
    page = markdown(found())
    assert "- In 0 of 3 models, the middle layer is sparser than the input embeddings" in page
    assert "- In 0 of 18 states and moduli, the power lies above that of shuffled numbers although kappa" in page
    assert (
        "- In 3 of 3 pairs of models, the overlap lies above the ranges of shuffled numbers and of other words" in page
    )
