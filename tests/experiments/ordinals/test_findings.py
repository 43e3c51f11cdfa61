"""The section on words with an order."""

from draw.geometry_tables import ordinals_table
from numprobe.experiments.ordinals.findings import section


def test_sets_stand_with_intervals_and_permuted_orders():
    page = section({"ordinals": ordinals_table()})
    assert "| llama | months | 12 | 2 | 70 [65, 90] | 8 | 0.005 | 70 [65, 90] | 8 | 0.005 |" in page


def test_the_sentence_counts_sets_and_corrects_for_their_number():
    page = section({"ordinals": ordinals_table()})
    assert "beyond chance (p below .05) in 6 of 6 sets, in 6 of them also with the false" in page


def test_what_does_not_apply_is_said():
    assert "- minilm: too few single tokens: chinese 2 of 11" in section({"ordinals": ordinals_table()})
