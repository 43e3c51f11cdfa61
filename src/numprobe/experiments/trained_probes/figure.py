"""Accuracy over the layers of the probes that are trained by gradient descent."""

from numprobe.draw.accuracy import accuracy_rows, draw_accuracy
from numprobe.experiments.drawn import Drawn, Tables, Values


def trained_probes(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and what it shows."""
    drawn = accuracy_rows(tables["trained_probes"], "probes")
    return draw_accuracy(drawn, "probes", values["candidates"]), drawn
