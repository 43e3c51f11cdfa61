import polars as pl

from experiments.error_tracing.test_figure import SHARES, tracing_table
from numprobe.experiments.error_tracing.findings import section


def test_the_section_tells_the_truth_beside_chance():
    text = section({"error_tracing": tracing_table()})
    assert text.startswith("## Where right answers get lost")
    assert "| model | operation | wrong | truth | opposite | permuted | excess | right | answer labels |" in text
    assert (
        "| llama | + | 200 | 60 [58, 62] | 10 [8, 12] | 5 [3, 7] | 55 [53, 57] | 100 [98, 102] | 60 [58, 62] |" in text
    )
    assert "| llama | + | 40 [38, 42] | 40 [38, 42] | 20 [18, 22] | 60 [58, 62] | 70 [68, 72] | 30 [28, 32] |" in text
    assert "| llama | + | final_norm | 20 [18, 22] | 10 [8, 12] | 15 |" in text
    assert "In 4 of 4 models and operations" in text and "in 4 of these more of it is lost" in text
    assert "A repair has to act before the layer that loses the truth." in text


def test_the_last_sentence_follows_the_numbers():
    kept = {**SHARES, ("wrong", "truth"): (0.4, 0.1, 0.0, 0.5)}
    text = section({"error_tracing": tracing_table(shares=kept)})
    assert "in 0 of these" in text and "still in the last state" in text
    chance = {**SHARES, ("wrong", "truth"): SHARES["wrong", "permuted"]}
    assert "In no model and operation" in section({"error_tracing": tracing_table(shares=chance)})


def test_a_study_with_few_errors_says_so():
    text = section({"error_tracing": tracing_table(wrong=4)})
    assert "No model has as many wrong answers in any operation." in text


def test_contexts_are_told_apart_where_there_are_several():
    table = tracing_table()
    text = section({"error_tracing": pl.concat([table, table.with_columns(context=pl.lit("chat"))])})
    assert text.count("| llama | chat | + | ") == text.count("| llama | result | + | ") == 3
