"""The sections that experiments write.

The function `section(tables)` of an experiment's `findings.py` is given all collected tables of the study by name; its
docstring says which of them the section is about.
"""

import re
from collections.abc import Mapping
from importlib import import_module

import polars as pl

from numprobe.tell.section import Section

_NAMED = re.compile(r"\(`(?P<experiment>[^`]+)`\)\s*$")


def section_of(experiment: str, tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of an experiment; its title ends in the experiment's name, by which readers find it.

    Parameters
    ----------
    experiment
        Its name.
    tables
        All collected tables of the study, by name.
    """
    section: Section = import_module(f"numprobe.experiments.{experiment}.findings").section(tables)
    named = f"(`{experiment}`)"
    return section if named in section.title else Section(f"{section.title} {named}", section.parts)


def experiment_of(title: str) -> str:
    """Return the experiment that the title of a section names at its end; "" if it names none."""
    named = _NAMED.search(title)
    return named["experiment"] if named else ""
