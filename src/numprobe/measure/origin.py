"""Check that a card, states and probes are of one model: of the same weights, not of the same name alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.activations.store import read_manifest
from numprobe.errors import NumprobeError
from numprobe.probes.probe import Probe
from numprobe.sealed import read_sealed_json


def read_card(path: str | Path, folder: str | Path) -> dict[str, Any]:
    """Return the card of the model whose states, or whose control's, are in a folder.

    Raises
    ------
    NumprobeError
        If the card cannot be read, or describes other weights than those that the states were made with.
    """
    card = read_sealed_json(path)
    check_weights(card, path, read_manifest(folder), folder)
    return card


def check_weights(card: Mapping[str, Any], path: str | Path, manifest: Mapping[str, Any], folder: str | Path) -> None:
    """Compare the weights that a card describes with those that states were made with.

    Parameters
    ----------
    card, manifest
        The contents.
    path, folder
        The card's file and the folder of the states, for the message.

    Raises
    ------
    NumprobeError
        If they differ.
    """
    described, used = card.get("weights_sha256"), manifest.get("weights_sha256")
    if described != used:
        raise NumprobeError(
            f"{path} describes other weights (sha256 {described}) than the states in {folder} were made with ({used}), "
            "so the model changed in between: delete both and run again"
        )


def check_origin(path: str | Path, probe: Probe, manifest: Mapping[str, Any]) -> None:
    """See to it that a probe was fitted on the states that a manifest describes: model, context and weights.

    Raises
    ------
    NumprobeError
        If it was fitted elsewhere.
    """
    model, context = manifest["model"], manifest["context"]
    found = (probe.metadata.get("model"), probe.metadata.get("context"))
    if found != (model, context):
        raise NumprobeError(
            f"{path} was fitted on model {found[0]} in context {found[1]}, not on {model} in {context}: name that one's"
        )
    fitted, used = probe.metadata.get("weights_sha256"), manifest.get("weights_sha256")
    if fitted != used:
        raise NumprobeError(
            f"{path} was fitted on other weights (sha256 {fitted}) than the states of {model} in {context} were made "
            f"with ({used}): delete it and run again"
        )
