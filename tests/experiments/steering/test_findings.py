import polars as pl

from experiments.steering.test_figure import SKIPPED, steering_table
from numprobe.experiments.steering.findings import section


def test_the_section_tells_who_follows_beside_controls_and_harm():
    text = section({"steering": pl.concat([steering_table(("llama", "olmo2")), SKIPPED])})
    assert text.startswith("## Operands moved to other numbers")
    assert (
        "| llama | all | 1 | 1 | 0.50 | 90 | 90 [85, 95] | 2 [0, 8] | 100 [95, 105] | 30 [25, 35] | 1 [0, 6] |" in text
    )
    assert "| olmo2 | - | 1 |" in text
    assert "layer by layer: llama: 0 45 of 50, 1 90 of 100; olmo2: 0 45" in text
    assert "weak 2." in text and "minilm" not in text
    assert "In 2 of 2 models answers follow more often than under every control" in text
    assert "move its state along the patterns, not along the probe's weights" in text


def test_a_read_out_that_does_as_well_is_no_worse():
    text = section({"steering": steering_table(readout=0.9)})
    assert "than the read-out in 0 of 1" in text and "is a handle" in text


def test_models_that_ignore_the_code_are_told_so():
    text = section({"steering": steering_table(follows=0.01)})
    assert "In none of 1 models" in text and "no handle" in text


def test_nothing_but_models_without_right_answers_is_no_table():
    assert "No model answered enough prompts" in section({"steering": SKIPPED})
