"""The model of a job that stores states, and how they are extracted."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given

if TYPE_CHECKING:
    from numprobe.activations.context import Extraction


def extraction_of(given: Given, context: str = "") -> "Extraction":
    """Return the extraction that the values `extraction`, `layers` and `numbers` and the input `card` describe.

    `context`: name of the context, where it is none of the study's.
    """
    from numprobe.activations.context import Extraction
    from numprobe.activations.sharing import chosen_sharing
    from numprobe.models.source import parse_source
    from numprobe.threads import prepare_torch

    prepare_torch()
    minimum, maximum = given.values["numbers"]
    how = {**given.values["extraction"], "source": parse_source(given.values["extraction"]["source"])}
    return Extraction(
        model=given.run,
        context=context or given.context,
        layers=given.values["layers"],
        shares=chosen_sharing(given.file("card")),
        values=range(minimum, maximum + 1),
        **how,
    )
