"""The section quotes the wider interval."""

from experiments.replicates.rows import replicates_table
from numprobe.experiments.replicates.findings import section


def found():
    return section({"replicates": replicates_table()})


def test_cells_hold_the_wider_interval():
    states, moved = found().grids
    assert states.column("context") == ["number", "operand"]
    assert [str(cell) for cell in states.column("1")] == ["90 [87, 93]", "90 [86, 94]"]
    assert (moved.column("fit_context"), moved.column("context")) == (["number"], ["natural"])


def test_both_intervals_are_compared_cell_by_cell():
    wider, farthest = found().statements
    assert (wider.subject, wider.comparison) == ("m", "numbers")
    assert (wider.numbers["wider"], wider.numbers["cells"], wider.numbers["trainings"]) == (2, 4, 5)
    assert (str(wider.numbers["widest"]), str(wider.numbers["widest_numbers"])) == ("8", "6")
    assert str(farthest).startswith("m: trainings lie farthest apart in layer 1, `operand`")
    assert "where `fourier` reads 88 to 92 % of the numbers" in str(farthest)


def test_it_says_what_other_intervals_are_about():
    assert any(isinstance(part, str) and "about these weights" in part for part in found().parts)
