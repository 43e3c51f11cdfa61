from experiments.sites.test_figure import sites_table
from numprobe.experiments.sites.findings import section


def test_the_section_tells_every_site_of_the_middle_block_with_intervals():
    text = section({"sites": sites_table(("llama", "olmo2"))})
    assert text.startswith("## Inside the layer")
    assert "| model | block | residual in | q | k | v | q+k+v | attention | MLP | residual out |" in text
    assert "| llama | 2 | 95 [93, 97] | 50 [48, 52] |" in text
    assert "the highest reads 0 (" in text
    assert "The stream that leaves the block reads 95 %." in text
    assert "together read 90 %; compared with the best of the three alone that is +30 to +30 points" in text
    assert "What the MLP adds reads better than what attention adds in 2 of 2 models." in text
    assert "`digits` " in text and "Published" not in text


def test_the_papers_models_stand_beside_what_was_published():
    text = section({"sites": sites_table(("llama-3.2-1b",), blocks=16)})
    assert "- llama-3.2-1b, q+k+v: 84" in text


def test_every_context_has_its_table():
    text = section({"sites": sites_table(contexts=("operand", "result"))})
    assert text.count("## Inside the layer") == 1
    assert "Context `operand`" in text and "Context `result`" in text
