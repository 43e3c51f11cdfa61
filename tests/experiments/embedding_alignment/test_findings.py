import polars as pl

from experiments.embedding_alignment.test_figure import SKIPPED, alignment_table
from numprobe.experiments.embedding_alignment.findings import section
from numprobe.tell.section import Difference, Share, markdown


def told(table: pl.DataFrame):
    return section({"embedding_alignment": table})


def test_gain_stands_beside_harm_and_the_controls():
    found = told(pl.concat([alignment_table(("llama", "olmo2")), SKIPPED]))
    whole, operations = found.grids
    assert whole.column("rows") == ["input", "input, output"] * 2 and whole.column("strength") == [0.5] * 4
    assert all(isinstance(cell, Difference) and cell.low > 0 for cell in whole.column("change"))
    assert all(cell.value < 0 for cell in whole.column("wrong number"))
    assert operations.rows[1][:3] == ["llama", "input", "harmed"] and operations.heads[3:] == ["`+`", "`*`"]
    assert isinstance(operations.column("`*`")[1], Share)


def test_what_is_said_follows_the_numbers():
    found = told(alignment_table(("llama", "olmo2")))
    llama, olmo2, meaning = found.statements
    assert (llama.subject, olmo2.subject) == ("llama", "olmo2")
    assert (llama.numbers["before"].value, llama.numbers["after"].value) == (0.5, 0.75)
    assert (meaning.numbers["change"].higher, meaning.numbers["change"].cases) == (4, 4)
    # Three controls of each case.
    assert meaning.numbers["over_controls"].cases == 12
    none = told(alignment_table(helps=False)).statements[-1]
    assert (none.numbers["change"].higher, none.numbers["change"].cases) == (0, 2)


def test_the_section_is_worded():
    text = markdown(told(alignment_table()))
    assert "| llama | input | 0.5 | 0.25 |" in text
    assert "- llama: the probe of their fold reads 50 [45, 100] % of the unseen numbers" in text
    assert "right answers with aligned rows, against the rows as they are: higher in 2 of 2 cases" in text


def test_models_that_cannot_be_asked_make_no_table():
    assert not told(SKIPPED).grids
