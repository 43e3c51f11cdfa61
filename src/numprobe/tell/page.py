"""Page of a group of experiments: one section per experiment, in the order of the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.tell.sections import written_section

#: Collected tables by name.
Tables = Mapping[str, pl.DataFrame]

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
        The experiments with a section on the page.
    script
        Name of the program, for the first paragraph.

    Returns
    -------
    str
        Markdown.
    """
    sections = [_section(name, tables) for name in experiments]
    return "\n\n".join([_INTRODUCTION.format(subject=subject, script=script).rstrip(), *sections]) + "\n"


def _section(name: str, tables: Tables) -> str:
    """The section of an experiment, and of which models it does not read the embedding matrix."""
    table = tables.get(name)
    if table is None:
        return written_section(name, tables).rstrip()
    if table.select(_NOT_APPLICABLE.all()).item() and not table["model"].has_nulls():
        return "\n".join([f"## Not applicable to these models (`{name}`)\n", *_reasons(table)])
    written = written_section(name, tables).rstrip()
    left_out = table.filter(_NOT_APPLICABLE & pl.col("layer").is_null() & (pl.col("context") == "vocabulary"))
    told = [line for line in written.splitlines() if line.startswith("- ")]
    lines = _reasons(left_out.filter([not _is_told(row, told) for row in left_out.iter_rows(named=True)]))
    return "\n".join([written, *([""] if lines else []), *lines])


def _is_told(row: dict[str, Any], lines: Sequence[str]) -> bool:
    return any(line.startswith(f"- {row['model']}") and line.endswith(row["note"]) for line in lines)


def _reasons(notes: pl.DataFrame) -> list[str]:
    rows = notes.select("model", "context", "note").unique(maintain_order=True).iter_rows()
    return [f"- {model}, `{context}`: {note}" for model, context, note in rows]
