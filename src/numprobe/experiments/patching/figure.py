"""Gain and harm of the patch: at the chosen setting by operation, and over layers and strengths."""

from numprobe.draw.drawn import Drawn, Tables, Values
from numprobe.draw.outcomes import chosen_rows, draw_outcomes
from numprobe.draw.strengths import draw_strengths, strength_rows

#: What the legend calls the change itself.
MAIN = "true result (oracle)"


def patching(tables: Tables, values: Values) -> Drawn:
    """Return the figure of the chosen setting, and what it shows."""
    drawn = chosen_rows(tables["patching"])
    return draw_outcomes(drawn, MAIN), drawn


def patching_strengths(tables: Tables, values: Values) -> Drawn:
    """Return the figure of all layers and strengths, and what it shows."""
    drawn = strength_rows(tables["patching"])
    return draw_strengths(drawn, MAIN), drawn
