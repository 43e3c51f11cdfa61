"""Gain and harm of the repair: at the chosen setting by operation, and over layers and strengths."""

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.outcomes import chosen_rows, draw_outcomes
from numprobe.draw.strengths import draw_strengths, strength_rows

#: What the legend calls the change itself.
MAIN = "number that is read"


def denoising(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the chosen setting, and what it shows."""
    drawn = chosen_rows(tables["denoising"])
    return draw_outcomes(drawn, MAIN), drawn


def denoising_strengths(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all layers and strengths, and what it shows."""
    drawn = strength_rows(tables["denoising"])
    return draw_strengths(drawn, MAIN), drawn
