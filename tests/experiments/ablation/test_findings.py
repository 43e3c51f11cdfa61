import pytest

from experiments.ablation.test_figure import SKIPPED, ablation_table, reading_table
from numprobe.experiments.ablation.findings import section


def written(models=("llama",), answers=2, reading=4, state=1.0):
    return section(
        {"ablation": ablation_table(models, answers, state), "ablated_probe": reading_table(models, reading)}
    )


def test_ranks_of_answers_and_reading_stand_side_by_side():
    text = written(("llama", "olmo2"))
    assert text.startswith("## Directions taken from the operands")
    assert "| llama | 1 | 100 [90, 100] | 90 [80, 100] | 2 | 4 | > 8 | > 8 | 4 | 4 | > 8 |" in text
    assert (
        "become wrong at r = 4:" in text and "| olmo2 | 2 | 80 [70, 90] | 80 [70, 90] | 5 [0, 15] | 5 [0, 15] |" in text
    )


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({}, "few directions carry an operand"),
        ({"reading": 2}, "hang on the same directions"),
        ({"answers": 8, "reading": 2}, "erasing is not forgetting"),
        ({"answers": 100}, "not those that these models need"),
        ({"state": 0.1}, "comes too late"),
    ],
)
def test_the_sentence_is_chosen_by_the_numbers(changes, meaning):
    assert meaning in written(**changes)


def test_models_that_answer_nothing_have_no_table():
    assert "No model answered" in section({"ablation": SKIPPED, "ablated_probe": SKIPPED})
