"""Pages of findings: the sections of the experiments, in the order of the configuration, below an introduction."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from numprobe.status import Status
from numprobe.tell.section import Reason, Section, markdown, reasons_of
from numprobe.tell.sections import section_of

#: Collected tables by name.
Tables = Mapping[str, pl.DataFrame]

_NOT_APPLICABLE = pl.col("status") == Status.NOT_APPLICABLE
_MAIN = """# What the study found

An accuracy is the share of the numbers, in per cent, that a probe decodes exactly, out of all candidates. The probe has
not seen these numbers; every number weighs alike. The brackets hold 95 % intervals over numbers."""
_GROUP = """# What the study found about {subject}

Shares are in per cent; the brackets hold 95 % intervals."""
_BELOW = """Layer 0 is the state that enters block 1, layer k the state that leaves block k. The program `{script}`
wrote this page from `results/tables/`; nobody edited it by hand."""


def main_page(sections: Iterable[Section], script: str) -> str:
    """Return the page of the main results as Markdown; `script` is the name of the program."""
    return _page(f"{_MAIN} {_BELOW.format(script=script)}", sections)


def group_page(subject: str, sections: Iterable[Section], script: str) -> str:
    """Return the page of a group of experiments as Markdown.

    Parameters
    ----------
    subject
        Subject of the experiments.
    sections
        Their sections.
    script
        Name of the program.
    """
    return _page(f"{_GROUP.format(subject=subject)} {_BELOW.format(script=script)}", sections)


def group_sections(tables: Tables, experiments: Sequence[str]) -> list[Section]:
    """Return the sections of a group of experiments, each with the models whose matrices it leaves out.

    Parameters
    ----------
    tables
        The collected tables of these experiments, by name.
    experiments
        The experiments, in order.
    """
    return [_section(name, tables) for name in experiments]


def _page(introduction: str, sections: Iterable[Section]) -> str:
    return "\n\n".join([introduction, *(markdown(section).rstrip() for section in sections)]) + "\n"


def _section(name: str, tables: Tables) -> Section:
    table = tables.get(name)
    if table is None:
        return section_of(name, tables)
    if table.select(_NOT_APPLICABLE.all()).item() and not table["model"].has_nulls():
        return Section(f"Not applicable to these models (`{name}`)", reasons_of(table))
    section = section_of(name, tables)
    told = {(part.model, part.reason) for part in section.parts if isinstance(part, Reason)}
    left_out = reasons_of(table.filter(pl.col("layer").is_null() & (pl.col("context") == "vocabulary")))
    new = [reason for reason in left_out if (reason.model, reason.reason) not in told]
    return Section(section.title, [*section.parts, *new])
