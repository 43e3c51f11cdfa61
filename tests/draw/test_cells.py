import numpy as np
from matplotlib.figure import Figure

from numprobe.draw.cells import draw_cells, numbered

VALUES = np.array([[0.1, 0.9], [np.nan, 1.0]])


def test_cells_with_a_share_are_numbered():
    assert numbered(VALUES) == {(0, 0): "10", (0, 1): "90", (1, 1): "100"}


def test_texts_contrast_with_their_cells_and_cells_without_a_share_stay_empty():
    axes = Figure().subplots()
    draw_cells(axes, VALUES, numbered(VALUES) | {(1, 0): "n/a"}, 6)
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours["10"] == "white" and colours["90"] == "black" and colours["n/a"] not in ("white", "black")
    assert axes.images[0].get_array().mask.tolist() == [[False, False], [True, False]]
    assert {text.get_text(): text.get_position() for text in axes.texts}["90"] == (1, 0)  # column, row
