"""The section on words with an order."""

import polars as pl

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


def test_the_state_is_the_one_after_the_middle_block_whatever_was_stored():
    stored = ["0", "1", "2", "3", "5", "8", "11", "15", "20", "25", "30"]
    table = ordinals_table({"deep": 30}).filter(pl.col("layer").is_null() | pl.col("layer").is_in(stored))
    (grid,) = section({"ordinals": table}).grids
    assert grid.column("layer") == ["15", "15"]
