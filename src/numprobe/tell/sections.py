"""The sections that experiments write."""

from collections.abc import Mapping
from importlib import import_module

import polars as pl

from numprobe.tell.section import markdown


def written_section(experiment: str, tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of an experiment as Markdown.

    Parameters
    ----------
    experiment
        Its name.
    tables
        All collected tables of the study, by name.
    """
    section = import_module(f"numprobe.experiments.{experiment}.findings").section(tables)
    return section if isinstance(section, str) else markdown(section)
