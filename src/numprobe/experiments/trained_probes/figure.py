"""Figure of the probes that are trained by gradient descent: accuracy over the layers."""

from numprobe.draw.accuracy import accuracy_rows, draw_accuracy
from numprobe.draw.drawn import Drawn, Tables, Values


def trained_probes(tables: Tables, values: Values) -> Drawn:
    """Return the figure, and its table."""
    drawn = accuracy_rows(tables["trained_probes"], "probes")
    return draw_accuracy(drawn, "probes", values["candidates"]), drawn
