"""Page of a group of experiments: one section per experiment, in the order of the configuration."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import polars as pl

from numprobe.findings import (
    embedding_probes,
    layer_probes,
    multi_token,
    natural_contexts,
    ordinals,
    sample_efficiency,
    trained_probes,
)

#: Collected tables by name.
Tables = Mapping[str, pl.DataFrame]

Sections = dict[str, Callable[[Tables], str]]

#: Experiment -> what writes its section: a heading, the headline numbers with intervals and controls, and a sentence on
#: what they mean, chosen by the numbers.
REPRESENTATION: Sections = {
    "trained_probes": trained_probes.section,
    "embedding_probes": embedding_probes.section,
    "layer_probes": layer_probes.section,
    "natural_contexts": natural_contexts.section,
    "multi_token": multi_token.section,
    "sample_efficiency": sample_efficiency.section,
    "ordinals": ordinals.section,
}

_NOT_APPLICABLE = pl.col("note").fill_null("").str.starts_with("not applicable")
_INTRODUCTION = """# What the study found about {subject}

Shares in per cent, in brackets 95 % intervals; layer 0 is what enters block 1, layer k what leaves block k. Made by
`{script}` from `results/tables/`; not edited by hand.
"""


def findings_page(subject: str, tables: Tables, experiments: list[str], script: str) -> str:
    """The page.

    Parameters
    ----------
    subject
        What the experiments are about.
    tables
        The collected tables of these experiments, by name.
    experiments
        The experiments of the study; those without a section are left out.
    script
        Name of the program, for the first paragraph.

    Returns
    -------
    str
        Markdown.
    """
    written = {name: found for name in experiments if (found := _find_section(name)) is not None}
    sections = [_section(name, write, tables) for name, write in written.items()]
    return "\n\n".join([_INTRODUCTION.format(subject=subject, script=script).rstrip(), *sections]) + "\n"


def _find_section(name: str) -> Callable[[Tables], str] | None:
    """Return what writes the section of an experiment, None if it has none."""
    if name in REPRESENTATION or find_spec(f"numprobe.experiments.{name}") is None:
        return REPRESENTATION.get(name)
    section: Callable[[Tables], str] = import_module(f"numprobe.experiments.{name}.findings").section
    return section


def _section(name: str, write: Callable[[Tables], str], tables: Tables) -> str:
    """The section of an experiment, and of which models it does not read the embedding matrix."""
    table = tables.get(name)
    if table is None:
        return write(tables).rstrip()
    if table.select(_NOT_APPLICABLE.all()).item() and not table["model"].has_nulls():
        return "\n".join([f"## Not applicable to these models (`{name}`)\n", *_reasons(table)])
    written = write(tables).rstrip()
    left_out = table.filter(_NOT_APPLICABLE & pl.col("layer").is_null() & (pl.col("context") == "vocabulary"))
    told = [line for line in written.splitlines() if line.startswith("- ")]
    lines = _reasons(left_out.filter([not _is_told(row, told) for row in left_out.iter_rows(named=True)]))
    return "\n".join([written, *([""] if lines else []), *lines])


def _is_told(row: dict[str, Any], lines: Sequence[str]) -> bool:
    return any(line.startswith(f"- {row['model']}") and line.endswith(row["note"]) for line in lines)


def _reasons(notes: pl.DataFrame) -> list[str]:
    rows = notes.select("model", "context", "note").unique(maintain_order=True).iter_rows()
    return [f"- {model}, `{context}`: {note}" for model, context, note in rows]
