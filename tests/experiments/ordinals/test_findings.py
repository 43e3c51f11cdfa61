"""The section on words with an order."""

from draw.geometry_tables import ordinals_table
from numprobe.experiments.ordinals.findings import section
from numprobe.tell.section import Reason, Share, markdown


def test_sets_stand_with_intervals_and_permuted_orders():
    (grid,) = section({"ordinals": ordinals_table()}).grids
    share = Share(0.7, 0.7 - 0.05, 0.7 + 0.2)
    assert grid.rows[0] == ["llama", "months", 12, "2", share, Share(0.08), 0.005, share, Share(0.08), 0.005]


def test_sets_are_counted_and_corrected_for_their_number():
    order, digits = section({"ordinals": ordinals_table()}).statements
    assert order.numbers == digits.numbers == {"found": 6, "sets": 6, "firm": 6}


def test_a_set_that_a_model_lacks_is_a_reason():
    found = section({"ordinals": ordinals_table()})
    assert Reason("minilm", None, "too few single tokens: chinese 2 of 11") in found.parts
    assert "beyond chance (p below .05) in 6 of 6 sets, in 6 of them also with the false discovery" in markdown(found)
