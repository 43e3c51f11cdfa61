import pytest

from experiments.sites.test_figure import sites_table
from numprobe.experiments.sites.findings import section
from numprobe.tell.section import Difference, Listed, Share


def statements(*arguments, **more):
    return {said.subject: said for said in section({"sites": sites_table(*arguments, **more)}).statements}


def test_every_site_of_the_middle_block_has_its_accuracy():
    (grid,) = section({"sites": sites_table(("llama", "olmo2"))}).grids
    sites = ["residual in", "q", "k", "v", "q+k+v", "attention", "MLP", "residual out"]
    assert grid.heads == ["model", "block", *sites]
    assert grid.column("block") == ["2", "2"]
    assert grid.column("q") == [Share(0.5, 0.48, 0.52)] * 2
    assert grid.column("attention") == [Share(0.1, pytest.approx(0.08), pytest.approx(0.12))] * 2


def test_the_highest_control_is_named():
    said = statements(("llama", "olmo2"))["llama"]
    assert said.numbers["accuracy"] == Share(0.002)
    assert (said.numbers["control"], said.numbers["probe"]) == ("shuffled", "fourier")


def test_sites_are_compared_over_the_models():
    said = statements(("llama", "olmo2"))
    assert said["residual out"].numbers == {"lowest": Share(0.95), "highest": Share(0.95), "models": 2}
    together = said["q+k+v"].numbers
    assert (together["least"], together["most"]) == (Difference(pytest.approx(0.3)), Difference(pytest.approx(0.3)))
    assert said["MLP"].numbers == {"ahead": 2, "models": 2}


def test_the_other_probes_stand_beside_the_leading_one():
    numbers = statements()["`fourier`"].numbers
    assert numbers["own"].value == pytest.approx(2 * numbers["rivals"].numbers["`digits`"].value)
    assert isinstance(numbers["rivals"], Listed)


def test_the_papers_models_stand_beside_their_published_accuracies():
    _, published = section({"sites": sites_table(("llama-3.2-1b",), blocks=16)}).grids
    found = dict(zip(published.column("site"), published.column("accuracy"), strict=True))
    assert found["q+k+v"].value == pytest.approx(0.84, abs=0.005)
    assert len(section({"sites": sites_table()}).grids) == 1


def test_every_context_has_its_grid():
    found = section({"sites": sites_table(contexts=("operand", "result"))})
    assert [part for part in found.parts if isinstance(part, str)][1:] == ["Context `operand`:", "Context `result`:"]
    assert len(found.grids) == 2
