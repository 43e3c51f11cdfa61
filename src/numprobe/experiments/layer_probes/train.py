"""Training of probes by gradient descent, with our settings and with the published ones."""

from numprobe.experiments.given import Given
from numprobe.experiments.training import train_probes


def fit_iterative_layer_probes(given: Given) -> None:
    """Train the probes of a model in a context."""
    train_probes(given)


def fit_published_layer_probes(given: Given) -> None:
    """Train them again with the published settings."""
    train_probes(given)
