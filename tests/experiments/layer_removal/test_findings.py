import polars as pl

from experiments.layer_removal.test_figure import SKIPPED, removal_table
from numprobe.experiments.layer_removal.findings import section


def test_the_chosen_removal_is_told_with_gain_and_harm():
    text = section({"layer_removal": pl.concat([removal_table(("llama", "olmo2")), SKIPPED])})
    assert text.startswith("## Does removing a part of the model repair its answers?")
    assert "| model | operation | chosen | right before | right after | change | repaired | harmed |" in text
    assert "| llama | `*` | attention 3 | " in text and "| olmo2 | `all` | attention 3 | " in text
    assert "minilm" not in text
    assert "Nothing is chosen in 2 of 4 cases (models and operations)." in text
    assert "lies above 0 with its whole interval in 2 of 2, at most" in text
    assert "one part can be left out with a net gain" in text and "attention 3 of olmo2 for `*`" in text


def test_a_model_that_needs_all_its_parts_is_left_alone():
    text = section({"layer_removal": removal_table(helpful=None)})
    assert "| llama | `*` | nothing | " in text
    assert "Nothing is chosen in 2 of 2 cases" in text
    assert "no part of these models can be taken out to mend their arithmetic" in text


def test_luck_stands_beside_the_oracle():
    text = section({"layer_removal": removal_table()})
    assert "| truth reached | `2 answer - truth` reached |" in text
    assert "an oracle would reach the truth of" in text


def test_several_contexts_are_told_apart():
    table = removal_table()
    both = pl.concat([table, table.with_columns(context=pl.lit("hard"))])
    assert "| llama (hard) | `*` |" in section({"layer_removal": both})
