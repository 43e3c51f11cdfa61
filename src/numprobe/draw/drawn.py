"""Types of the functions that draw figures from collected tables."""

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
