"""Training of the probes of an experiment by gradient descent."""

from numprobe.experiments.given import Given
from numprobe.probes.fit_iterative import IterativeFit, save_iterative
from numprobe.threads import prepare_torch


def train_probes(given: Given) -> None:
    """Train the probes of the value `fit` on the input `states`, and save them as the output `probes`."""
    prepare_torch()
    fit = IterativeFit(**given.values["fit"])
    save_iterative(given.folder("states"), given.outputs["probes"], fit, given.split, given.provenance)
