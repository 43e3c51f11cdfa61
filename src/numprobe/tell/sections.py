"""The sections that experiments with a folder write."""

from collections.abc import Callable, Mapping
from importlib import import_module

import polars as pl

#: Returns a section as Markdown from the collected tables.
Section = Callable[[Mapping[str, pl.DataFrame]], str]


def find_section(experiment: str) -> Section:
    """Return what writes the section of an experiment with a folder."""
    section: Section = import_module(f"numprobe.experiments.{experiment}.findings").section
    return section
