import polars as pl

from experiments.embedding_alignment.test_figure import SKIPPED, alignment_table
from numprobe.experiments.embedding_alignment.findings import section


def test_the_section_tells_gain_beside_harm_and_the_controls():
    text = section({"embedding_alignment": pl.concat([alignment_table(("llama", "olmo2")), SKIPPED])})
    assert text.startswith("## Number embeddings moved to the fitted code")
    assert text.count("| llama | input | 0.5 | 0.25 |") == 1 and "| olmo2 | input, output | 0.5 |" in text
    assert "| model | rows |  | `+` | `*` |" in text and "| llama | input | harmed |" in text
    assert "llama 50 [45, 100], moved 75 [45, 100]; olmo2" in text
    assert "than every control, in 4 of 4 cases (models and rows): llama (input)" in text
    assert "from what their embeddings hold beside the code" in text


def test_models_that_do_not_gain_are_told_so():
    text = section({"embedding_alignment": alignment_table(helps=False)})
    assert "in none of 2 cases (models and rows)" in text and "mends nothing" in text


def test_nothing_but_models_that_cannot_be_asked_is_no_table():
    assert "No model was asked" in section({"embedding_alignment": SKIPPED})
