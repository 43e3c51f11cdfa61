import polars as pl

from experiments.answers.test_figure import answers_table
from numprobe.experiments.answers.findings import section


def test_the_section_tells_truth_answer_and_control_of_the_last_state():
    text = section({"answers": answers_table()})
    assert text.startswith("## Reading the answer")
    assert "| llama | + | 80 [78, 82] | 200 | 90 [88, 92] | 30 [28, 32] | 50 [48, 52] | 1 [" in text
    assert "| llama | + | 70 [68, 72] |" in text
    assert "| llama | + | 90 [88, 92] | fewer than 10 right or wrong answers | 80 [78, 82] | 10 [8, 12] |" in text
    assert "In 4 of 4 models and operations with errors the last state holds the truth" in text
    assert "In 4 of 4 the probe tells errors better" in text and "in 0 worse. Where it is better, a probe warns" in text


def test_a_model_that_knows_its_errors_needs_no_probe():
    text = section({"answers": answers_table(lead=-0.1)})
    assert "In 0 of 4 the probe tells errors better" in text and "in 4 worse" in text and "needs no probe" in text


def test_contexts_are_told_apart_where_there_are_several():
    table = answers_table()
    both = pl.concat([table, table.with_columns(context=pl.lit("chat"))])
    text = section({"answers": both})
    assert "| llama | chat | + | 80 [78, 82] | 200 | 90 [88, 92] | 30" in text and "| llama | result | + | 80" in text
    assert "In 8 of 8 models and operations with errors the last state holds the truth" in text
