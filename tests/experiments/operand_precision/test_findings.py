import polars as pl

from experiments.operand_precision.test_figure import SKIPPED, precision_table
from numprobe.experiments.operand_precision.findings import section


def test_raw_and_matched_differences_stand_beside_each_other():
    text = section({"operand_precision": pl.concat([precision_table(("llama", "olmo2")), SKIPPED])})
    assert text.startswith("## Do models err more on numbers that are read badly?")
    assert "| model | probe | not read | all read |" in text and "| llama | `digits` | 43 of 300 | " in text
    assert "| olmo2 | `fourier` | 0 of 300 |  |  |  |  |  | every number is read |" in text
    assert "in 2 of 2 cases (models and probes); against matched operands this remains in 2 of these 2." in text
    assert "the matched difference lies above 0 in 2 of 2, below in 0." in text
    assert "minilm" not in text and "Published" not in text


def test_the_correlation_is_told_with_its_null():
    text = section({"operand_precision": precision_table()})
    assert "| llama | embedding | -0." in text and "| llama | layer 0 (operand) | -0." in text
    assert "beyond chance (p < 0.05), in 4 of 4 states (1 of 1 models)." in text
    assert "numbers that are held imprecisely cost answers" in text


def test_no_effect_is_said_to_be_none():
    text = section({"operand_precision": precision_table(effect=0)})
    assert "says nothing about errors with it here" in text


def test_published_rates_stand_below():
    text = section({"operand_precision": precision_table(("llama-3.2-1b",))})
    assert "llama-3.2-1b, error rate, some non-decodable: 29" in text


def test_a_model_that_never_errs_is_not_judged():
    table = precision_table(effect=0).filter(~pl.col("metric").str.starts_with("error_correlation"))
    assert "nothing can be said, since errors or precision do not vary" in section({"operand_precision": table})
