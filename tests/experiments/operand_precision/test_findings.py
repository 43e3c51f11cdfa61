import polars as pl

from experiments.operand_precision.test_figure import SKIPPED, precision_table
from numprobe.experiments.operand_precision.findings import section
from numprobe.tell.independent import with_owners
from numprobe.tell.section import Difference, Estimate, Share, markdown


def told(table: pl.DataFrame):
    return section({"operand_precision": table})


def test_raw_and_matched_differences_stand_beside_each_other():
    found = told(pl.concat([precision_table(("llama", "olmo2")), SKIPPED]))
    groups = found.grids[0]
    assert groups.column("model") == ["llama", "llama", "olmo2", "olmo2"]
    misread, read = groups.rows[3], groups.rows[2]
    assert misread[1:3] == ["`digits`", "43 of 300"] and isinstance(misread[3], Share)
    assert isinstance(misread[-1], Difference) and misread[-1].low > 0
    assert read[1:] == ["`fourier`", "0 of 300", None, None, None, None, None, "every number is read"]
    raw, matched = found.statements[:2]
    assert raw.numbers["tests"].higher == matched.numbers["tests"].higher == 2
    assert raw.numbers["tests"].cases == matched.numbers["tests"].cases == 2


def test_the_correlation_stands_with_its_null():
    found = told(precision_table())
    correlations = found.grids[1]
    assert correlations.column("state") == ["embedding", "layer 0 (operand)"]
    correlation = correlations.column("matched")[0]
    assert isinstance(correlation, Estimate) and correlation.value < correlations.column("permuted")[0].low.value
    tested = found.statements[2].numbers["tests"].numbers["llama"]
    assert (tested.lower, tested.cases, tested.unit) == (4, 4, "")


def test_the_advice_follows_from_tests():
    effect, none = (told(precision_table(effect=effect)).statements[-1] for effect in (0.4, 0))
    assert effect.numbers["states"] == 4 and "it is shown that numbers which are held less precisely" in str(effect)
    assert none.numbers["states"] == 0 and "is shown in no state and in no case" in str(none)
    groups = ~pl.col("metric").str.starts_with("error_correlation")
    single = told(precision_table().filter(groups)).statements[-1]
    assert (single.subject, single.numbers["cases"], single.numbers["of_cases"]) == ("llama", 1, 1)


def test_without_intervals_there_is_no_test():
    bare = precision_table().with_columns(ci_low=pl.lit(None, pl.Float64), ci_high=pl.lit(None, pl.Float64))
    said = told(bare).statements
    assert [one.numbers["tests"].cases for one in said[:2]] == [0, 0]
    assert "nothing can be said" in str(said[-1])


def test_checkpoints_are_no_further_cases():
    table = precision_table(("llama", "llama-step-300"))
    raw, matched, correlated = told(with_owners(table, {"llama-step-300": "llama"})).statements[:3]
    assert raw.numbers["tests"].cases == matched.numbers["tests"].cases == 1
    assert set(correlated.numbers["tests"].numbers) == {"llama"}


def test_published_rates_stand_below():
    rates = told(precision_table(("llama-3.2-1b",))).statements[-1].numbers["rates"].numbers
    assert rates["llama-3.2-1b, error rate, some non-decodable"] == Share(0.29)


def test_the_section_is_worded():
    text = markdown(told(precision_table()))
    assert "| llama | `digits` | 43 of 300 | " in text and "| llama | layer 0 (operand) | -0." in text
    assert (
        "in prompts with a number that is not read, less that in the others, in cases (models and probes): higher"
        in text
    )
    assert "lower: imprecise numbers go with errors): llama: lower in 4 of 4 cases." in text
