"""The model of a job that stores states, and how they are extracted."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given

if TYPE_CHECKING:
    from numprobe.activations.context import Extraction


def extraction_of(given: Given, context: str = "") -> "Extraction":
    """Return the extraction of a job's values `extraction` and `layers`, and if it has them, `numbers` and its card.

    `context`: name of the context, where it is none of the study's.
    """
    from numprobe.activations.context import described_extraction
    from numprobe.threads import prepare_torch

    prepare_torch()
    names = {"model": given.run, "context": context or given.context, "layers": given.values["layers"]}
    card = given.file("card") if "card" in given.inputs else None
    return described_extraction(given.values["extraction"], card, given.values.get("numbers"), **names)
