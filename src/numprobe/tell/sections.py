"""The sections that experiments write."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module

import polars as pl

from numprobe.tell.section import Reason, Section

_REASON = re.compile(r"- (.+?)(?:, `([^`]+)`)?: not applicable: (.+)")


def section_of(experiment: str, tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of an experiment.

    Parameters
    ----------
    experiment
        Its name.
    tables
        All collected tables of the study, by name.
    """
    section = import_module(f"numprobe.experiments.{experiment}.findings").section(tables)
    return _read(section) if isinstance(section, str) else section


def _read(written: str) -> Section:
    """Return a section that an experiment wrote as Markdown."""
    title, _, body = written.partition("\n")
    return Section(title.removeprefix("## "), list(_parts(body)))


def _parts(body: str) -> Iterator[str | Reason]:
    text: list[str] = []
    for line in [*body.splitlines(), None]:
        found = _REASON.fullmatch(line) if line is not None else None
        if line is not None and not found:
            text.append(line)
            continue
        if "".join(text).strip():
            yield "\n".join(text)
        text = []
        if found:
            yield Reason(*found.groups())
