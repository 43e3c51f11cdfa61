import polars as pl

from experiments.operand_precision.test_figure import SKIPPED, precision_table
from numprobe.experiments.operand_precision.findings import section
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
    assert raw.numbers == {"raw": 2, "measured": 2, "both": 2}
    assert matched.numbers == {"above": 2, "below": 0, "measured": 2}


def test_the_correlation_stands_with_its_null():
    found = told(precision_table())
    correlations = found.grids[1]
    assert correlations.column("state") == ["embedding", "layer 0 (operand)"]
    correlation = correlations.column("matched")[0]
    assert isinstance(correlation, Estimate) and correlation.value < correlations.column("permuted")[0].low.value
    assert {"states": 4, "measured": 4, "models": 1, "of_models": 1}.items() <= found.statements[2].numbers.items()


def test_the_advice_depends_on_the_numbers():
    effect, none = (told(precision_table(effect=effect)).statements[-1] for effect in (0.4, 0))
    assert effect.numbers["states"] == 4 and none.numbers["states"] == 0 and effect.wording != none.wording
    table = precision_table(effect=0).filter(~pl.col("metric").str.starts_with("error_correlation"))
    assert told(table).statements[-1].numbers == {"states": 0, "measured": 0}


def test_published_rates_stand_below():
    rates = told(precision_table(("llama-3.2-1b",))).statements[-1].numbers["rates"].numbers
    assert rates["llama-3.2-1b, error rate, some non-decodable"] == Share(0.29)


def test_the_section_is_worded():
    text = markdown(told(precision_table()))
    assert "| llama | `digits` | 43 of 300 | " in text and "| llama | layer 0 (operand) | -0." in text
    assert "- In 1 of 1 cases (models and probes), prompts with a number that is not read have more wrong" in text
    assert "precision goes with fewer errors, beyond permutations (p < 0.05)." in text
