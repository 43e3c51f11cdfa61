import polars as pl
import pytest

from experiments.ablation.test_figure import SKIPPED, ablation_table, reading_table
from numprobe.experiments.ablation.findings import section
from numprobe.tell.section import Share, markdown


def told(models=("llama",), answers=2, reading=4, state=1.0):
    return section(
        {"ablation": ablation_table(models, answers, state), "ablated_probe": reading_table(models, reading)}
    )


def test_ranks_of_answers_and_reading_stand_side_by_side():
    ranks, shares = told(("llama", "olmo2")).grids
    assert ranks.column("model") == ["llama", "llama", "olmo2", "olmo2"] and ranks.column("layer") == ["1", "2"] * 2
    assert ranks.rows[0][2:4] == [Share(1.0, 0.9, 1.0), Share(0.9, 0.8, 1.0)]
    assert ranks.rows[0][4:] == [2, 4, "> 8", "> 8", 4, 4, "> 8"]
    assert shares.column("r") == [4] * 4
    assert [cell.value for cell in shares.rows[-1][3:]] == [0.8, 0.8, 0.05, 0.05]


@pytest.mark.parametrize(
    ("changes", "numbers", "meaning"),
    [
        ({}, {"known": 2, "before": 2, "same": 0, "after": 0}, "few directions carry an operand"),
        ({"reading": 2}, {"known": 2, "before": 0, "same": 2, "after": 0}, "need the same directions"),
        ({"answers": 8, "reading": 2}, {"known": 2, "before": 0, "same": 0, "after": 2}, "erasing is not forgetting"),
        ({"answers": 100}, {"known": 2, "before": 0, "same": 0, "after": 2}, "not those that these models need"),
        ({"state": 0.1}, {"needed": 0, "places": 2}, "comes too late"),
    ],
)
def test_the_last_statement_is_chosen_by_the_numbers(changes, numbers, meaning):
    last = told(**changes).statements[-1]
    assert last.numbers == numbers and meaning in str(last)


def test_cases_that_need_the_state_and_its_directions_are_counted():
    needed, fewer, _ = told(("llama", "olmo2")).statements
    assert needed.numbers == {"needed": 4, "places": 4}
    assert fewer.numbers == {"needed": 4, "patterns": 4, "readout": 4}
    assert fewer.subject.startswith("llama layer 1, llama layer 2")


def test_contexts_are_not_mixed():
    table = ablation_table()
    other = ablation_table(answers=8).with_columns(context=pl.lit("hard"))
    ranks, _ = section({"ablation": pl.concat([table, other]), "ablated_probe": reading_table()}).grids
    assert ranks.column("model") == ["llama (result)"] * 2 + ["llama (hard)"] * 2
    assert ranks.column("answers halve: patterns") == [2, 2, 8, 8]
    assert ranks.column("reading halves: patterns") == [4] * 4


def test_models_that_answer_nothing_have_no_grid():
    found = section({"ablation": SKIPPED, "ablated_probe": SKIPPED})
    assert found.grids == [] and found.statements[0].numbers == {"models": 0}
    assert markdown(found).startswith("## Directions taken from the operands")
