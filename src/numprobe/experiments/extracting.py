"""The model of a job that stores states, and how they are extracted."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given

if TYPE_CHECKING:
    from numprobe.activations.context import Extraction


def extraction_of(given: Given, context: str = "") -> "Extraction":
    """Return the extraction of a job's values `extraction` and `layers`, and if it has them, `numbers` and its card.

    `context`: name of the context, where it is none of the study's.
    """
    from numprobe.activations.context import Extraction
    from numprobe.activations.sharing import chosen_sharing
    from numprobe.models.source import parse_source
    from numprobe.threads import prepare_torch

    prepare_torch()
    values = given.values
    how = {**values["extraction"], "source": parse_source(values["extraction"]["source"])}
    if "card" in given.inputs:
        how["shares"] = chosen_sharing(given.file("card"))
    if "numbers" in values:
        how["values"] = range(values["numbers"][0], values["numbers"][1] + 1)
    return Extraction(model=given.run, context=context or given.context, layers=values["layers"], **how)
