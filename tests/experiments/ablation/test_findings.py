import polars as pl
import pytest

from experiments.ablation.test_figure import SKIPPED, ablation_table, reading_table
from numprobe.experiments.ablation.findings import section
from numprobe.tell.section import Share, markdown


def told(models=("llama",), answers=2, reading=4, **shares):
    return section(
        {"ablation": ablation_table(models, answers, **shares), "ablated_probe": reading_table(models, reading)}
    )


def test_removal_and_interchange_stand_at_one_rank_for_the_directions_and_the_rest():
    removed, interchanged, _ = told(("llama", "olmo2")).grids
    assert removed.column("model") == ["llama", "llama", "olmo2", "olmo2"] and removed.column("layer") == ["1", "2"] * 2
    assert removed.column("r") == interchanged.column("r") == [4] * 4
    assert [cell.value for cell in removed.rows[0][3:]] == [0.8, 0.8, 0.05, 0.05, 0.6, 0.6, 1.0]
    assert [cell.value for cell in interchanged.rows[-1][3:]] == [0.7, 0.7, 0.02, 0.2, 0.2, 0.95]


def test_ranks_at_which_answers_and_reading_halve_stand_side_by_side():
    ranks = told().grids[-1]
    assert ranks.rows[0][2:4] == [Share(1.0, 0.9, 1.0), Share(0.9, 0.8, 1.0)]
    assert ranks.rows[0][4:] == [2, 4, "> 8", "> 8", 4, 4, "> 8"]


def test_necessity_and_sufficiency_are_counted_over_cases_by_tests():
    carried, necessary, sufficient, rest = told(("llama", "olmo2")).statements
    assert (carried.numbers["carried"], carried.numbers["places"]) == (4, 4)
    assert necessary.numbers["patterns"].higher == necessary.numbers["readout"].higher == 4
    assert sufficient.numbers["patterns"].higher == rest.numbers["patterns"].higher == 4
    assert necessary.subject.startswith("llama layer 1, llama layer 2")


@pytest.mark.parametrize(
    ("shares", "counts", "meaning"),
    [
        # As removal harms, and interchange moves nothing: what is left is used.
        ({"inside": 0.01, "rest": 0.9}, {"lower": 2}, "it is used, whatever removal harms"),
        ({"inside": 0.7, "rest": 0.2}, {"higher": 2}, "edit these directions"),
        ({"inside": 0.4, "rest": 0.4, "half": 0.3}, {"undecided": 2}, "not shown which of the two"),
        ({"inside": 0.4, "rest": 0.4, "half": 0.01}, {"same": 2}, "not shown which of the two"),
    ],
)
def test_the_last_statement_follows_from_the_tests(shares, counts, meaning):
    last = told(**shares).statements[-1]
    assert {name: getattr(last.numbers["patterns"], name) for name in counts} == counts
    assert meaning in str(last)


def test_removal_alone_never_says_that_something_is_not_used():
    for answers in (1, 100):
        table = ablation_table(answers=answers).filter(~pl.col("metric").str.starts_with("follows"))
        found = section({"ablation": table, "ablated_probe": reading_table()})
        assert len(found.statements) == 1 and "not use" not in markdown(found)


def test_where_the_whole_state_carries_nothing_no_part_is_judged():
    (carried,) = told(carried=0.02).statements
    assert (carried.numbers["carried"], carried.numbers["places"]) == (0, 2)


def test_contexts_are_not_mixed():
    table = ablation_table()
    other = ablation_table(answers=8).with_columns(context=pl.lit("hard"))
    ranks = section({"ablation": pl.concat([table, other]), "ablated_probe": reading_table()}).grids[-1]
    assert ranks.column("model") == ["llama (result)"] * 2 + ["llama (hard)"] * 2
    assert ranks.column("answers halve: patterns") == [2, 2, 8, 8]
    assert ranks.column("reading halves: patterns") == [4] * 4


def test_models_that_answer_nothing_have_no_grid():
    found = section({"ablation": SKIPPED, "ablated_probe": SKIPPED})
    assert found.grids == [] and found.statements[0].numbers == {"models": 0}
    assert markdown(found).startswith("## Directions taken from the operands")
