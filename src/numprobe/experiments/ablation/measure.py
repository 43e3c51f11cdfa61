"""Ablation of operands: what removal harms (necessity), and what interchange carries to the answer (sufficiency)."""

import polars as pl

from numprobe.experiments.ablation.directions import ABLATION, Ablations, few_ranks
from numprobe.experiments.ablation.interchange import NO_PAIRS, interchange_rows, pairs_of_prompts
from numprobe.experiments.ablation.removal import removal_rows
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.tables import read_metadata

#: Columns that the table adds to `numprobe.tables.MEASUREMENT`.
COLUMNS = ABLATION | {"component": pl.String, "tokens": pl.String}


def ablate_operands(given: Given) -> None:
    """Write the table of a model and context: answers with a component of the operands' states removed or replaced."""
    (answer_model, questions), values = load_asked(given), given.values
    patterns = load_patterns(given.file("patterns"))
    probe = load_probe(given.file("probe")).in_context(patterns.metadata["context"])
    ranks = tuple(values["ranks"])
    few = few_ranks(ranks, values["interchange_ranks"])
    ablations = Ablations(tuple(values["layers"]), ranks, values["draws"], values["prompts"], few)
    seed = values["seed"]
    rows = removal_rows(answer_model, questions, values["operand"], probe, patterns, ablations, seed)
    metadata = read_metadata(given.file("prompts"))
    pairs = pairs_of_prompts(answer_model, metadata, values["operand"], values["pairs"], given.split, seed)
    rows += NO_PAIRS if pairs is None else interchange_rows(answer_model, pairs, probe, patterns, ablations, seed)
    given.write_rows(rows, COLUMNS)
