"""States inside the blocks: queries, keys, values, and what attention and MLP add to the residual stream."""

from numprobe.activations import sites
from numprobe.experiments.extracting import extraction_of
from numprobe.experiments.given import Given


def extract_sites(given: Given) -> None:
    """Store the states inside the blocks at every number of a prompt table."""
    sites.extract_sites(extraction_of(given), given.file("prompts"), given.outputs["states"], given.provenance)
