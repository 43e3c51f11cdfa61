"""Accuracy of the probes that were trained by gradient descent, layer by layer."""

from numprobe.experiments.given import Given
from numprobe.experiments.probed import load_probes
from numprobe.measure.origin import read_card
from numprobe.measure.settings import EXTRA, evaluate_settings


def evaluate_layer_probes(given: Given) -> None:
    """Write the table of a model and context: held-out numbers read by every probe."""
    folder, effort = given.folder("states"), (given.values["resamples"], given.values["seed"])
    _, rows = evaluate_settings(folder, load_probes(given), read_card(given.file("card"), folder), "none", *effort)
    given.write_rows(rows, EXTRA)
