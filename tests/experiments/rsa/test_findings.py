"""The section on the likeness of number spaces."""

from draw.geometry_tables import rsa_table
from numprobe.experiments.rsa.findings import section


def test_pairs_stand_with_interval_and_p():
    page = section({"rsa": rsa_table()})
    assert "| llama – olmo2 | 1000 | embedding | 0.90 [0.88, 0.92] | 0.001 |" in page
    assert "| llama – olmo2 | 1000 | layer 2 / 2 |" in page


def test_controls_and_theories_stand_beside():
    page = section({"rsa": rsa_table()})
    assert "- other words: 0.30 on average" in page
    assert "- both untrained: 0.00 on average" in page
    assert "| edit distance | \\|a - b\\| | log distance |" in page
    assert "| minilm | 0.30 [0.28, 0.32] | 0.40 [0.38, 0.42] | 0.50 [0.48, 0.52] |" in page


def test_the_sentence_counts_the_pairs_above_their_controls():
    assert "In 3 of 3 pairs" in section({"rsa": rsa_table()})


def test_what_does_not_apply_is_said():
    assert "not applicable: fewer than 20 words" in section({"rsa": rsa_table()})
