import polars as pl

from experiments.error_tracing.test_figure import SHARES, tracing_table
from numprobe.experiments.error_tracing.findings import section
from numprobe.tell.section import Difference, Share, markdown


def told(table: pl.DataFrame):
    return section({"error_tracing": table})


def test_the_truth_stands_beside_chance():
    traced, fates, layers = told(tracing_table()).grids
    assert traced.heads == [*"model operation wrong truth opposite permuted excess right".split(), "answer labels"]
    assert traced.rows[0][:3] == ["llama", "+", 200]
    assert traced.column("truth")[0] == Share(0.6, 0.58, 0.62) and traced.column("permuted")[0].value < 0.06
    assert isinstance(traced.column("excess")[0], Difference) and traced.column("excess")[0].value > 0.5
    assert [cell.value for cell in fates.rows[0][2:]] == [0.4, 0.4, 0.2, 0.6, 0.7, 0.3]
    assert layers.rows[0][:3] == ["llama", "+", "final_norm"]
    assert [cell.value for cell in layers.rows[0][3:]] == [0.2, 0.1, 0.15]


def test_what_is_said_follows_the_numbers():
    (above,) = told(tracing_table()).statements
    assert above.numbers == {"above": 4, "measured": 4}
    (chance,) = told(tracing_table(shares={**SHARES, ("wrong", "truth"): SHARES["wrong", "permuted"]})).statements
    assert chance.numbers == {"above": 0, "measured": 4}


def test_the_untrained_control_is_quoted_where_there_is_one():
    control = tracing_table(models=["llama"], shares={key: (0.5, 0.3, 0.1, 0.1) for key in SHARES})
    control = control.filter(labels="truth").with_columns(control=pl.lit("untrained"))
    found = told(pl.concat([tracing_table(), control]))
    plain = told(tracing_table())
    assert found.grids[0].column("untrained") == [Share(0.5, 0.48, 0.52)] * 2 + [None] * 2
    assert found.statements[-1].numbers == {"above": 2, "measured": 2}
    assert (found.grids[1:], found.statements[:-1]) == (plain.grids[1:], plain.statements)


def test_the_section_is_worded():
    text = markdown(told(tracing_table()))
    assert "| llama | + | 200 | 60 [58, 62] | 10 [8, 12] | 5 [3, 7] | +55.0 [+53.0, +57.0] |" in text
    assert "- In 4 of 4 models and operations, the states of wrong answers hold the truth" in text


def test_a_study_with_few_errors_says_so():
    found = told(tracing_table(wrong=4))
    assert not found.grids and found.statements[0].numbers == {"fewest": 10}


def test_contexts_are_told_apart_where_there_are_several():
    table = tracing_table()
    found = told(pl.concat([table, table.with_columns(context=pl.lit("chat"))]))
    assert all(grid.column("context").count("chat") == 4 for grid in found.grids)
