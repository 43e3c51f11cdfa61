"""The section on waves."""

from draw.geometry_tables import frequencies_table, shared_frequencies_table
from numprobe.experiments.frequencies.findings import section
from numprobe.measure.collect import collect
from numprobe.tell.page import group_sections
from numprobe.tell.section import Reason


def page() -> str:
    return section({"frequencies": frequencies_table(), "shared_frequencies": shared_frequencies_table()})


def test_sparsity_of_embeddings_and_middle_layers_stands_beside_its_controls():
    assert (
        "| llama | embedding | 100 | 0.06 [0.05, 0.07] | 0.90 [0.81, 0.99] | 0.80 [0.72, 0.88] | 0.01 [0.01, 0.02] |"
        in page()
    )
    assert "| llama | 2 | 100 |" in page()
    assert "in 0 of 3 models" in page()


def test_kappa_stands_beside_power():
    cells = "0.90 [0.88, 0.92] | 0.02 [0.00, 0.04] | 0.90 [0.88, 0.92] | 0.02 [0.00, 0.04]"
    assert f"| minilm | 3 | 10 | {cells} |" in page()
    assert "usable remainder: 0 of" in page()


def test_overlaps_stand_beside_nulls():
    assert "| llama – olmo2 | 1000 | 0.90 [0.88, 0.92] | 0.001 | 0.00 [-0.02, 0.02] | 0.30 [0.28, 0.32] |" in page()
    assert "In 3 of 3 pairs" in page()


def test_what_does_not_apply_is_said():
    assert "- chunky, `vocabulary`: not applicable: fewer than 50" in page()


def test_the_page_names_a_model_whose_matrix_is_left_out_once():
    skipped = ["digits:vocabulary:its numbers are several tokens"]
    tables = {"frequencies": collect([frequencies_table()], skipped), "shared_frequencies": shared_frequencies_table()}
    (section,) = group_sections(tables, ["frequencies"])
    assert section.parts.count(Reason("digits", "vocabulary", "its numbers are several tokens")) == 1
