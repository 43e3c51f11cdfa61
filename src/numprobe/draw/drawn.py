"""Types of the functions that draw figures from collected tables.

Three functions make a figure. The workflow calls `NAME(tables, values)`, which returns the figure and exactly the rows
that it shows. `NAME_rows(table)` chooses these rows from the collected table, and raises NumprobeError if the table is
empty, lacks a column or holds nothing to show. `draw_NAME(drawn)` draws them; `candidates`, where it takes them, is how
many numbers a probe chooses among, and draws the chance level 1 / candidates. Docstrings add what differs from this.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

#: Collected tables by name.
Tables = Mapping[str, pl.DataFrame]
#: Values that the workflow gives a figure, by name.
Values = Mapping[str, Any]
#: A figure, and exactly what it shows.
Drawn = tuple[Figure, pl.DataFrame]
