"""Closed-form probes of the embedding matrices, in folds of their own."""

from numprobe.device import gpu_or_none
from numprobe.experiments.given import Given
from numprobe.probes.fit_closed_form import save_closed_form
from numprobe.threads import threads


def fit_embedding_probes(given: Given) -> None:
    """Fit the probes of a model, or of a control of it."""
    values = given.values
    chosen, how = (values["probes"], values["controls"]), (threads(), gpu_or_none(values["device"]))
    folders = given.folder("states"), given.outputs["probes"]
    save_closed_form(*folders, *chosen, given.split, given.provenance, *how)
