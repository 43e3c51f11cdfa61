"""The numbers of arXiv 2510.26285 and arXiv 2506.08966 that figures and pages show beside ours.

`published.csv` beside this module is a link to `docs/published.csv`. Data files beside a module count in the digest of
every program that imports it (numprobe.codedigest), so a corrected number draws its figures again.
"""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from numprobe.errors import NumprobeError

#: Value of the column `source` of what a figure draws for the study's own measurements; published numbers name theirs.
THIS_STUDY = "this study"
#: The file with all published numbers.
FILE = Path(__file__).with_name("published.csv")
#: One row per published number (docs/published.md).
SCHEMA: dict[str, type[pl.DataType]] = {
    "experiment": pl.String,
    "model": pl.String,
    "context": pl.String,
    "layer": pl.String,
    "probe": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "n": pl.Int64,
    "source": pl.String,
}
#: All columns but these name a published number.
_MEASURED = ("value", "n")


def published(experiment: str, models: Collection[str], file: Path = FILE) -> pl.DataFrame:
    """The published numbers of an experiment for those of `models` that the papers studied.

    Parameters
    ----------
    experiment
        Name of the experiment in the configuration.
    models
        Names of the models that are drawn; the papers' models have the names of `config/paper.yaml`.
    file
        The table.

    Returns
    -------
    polars.DataFrame
        Columns `SCHEMA`, in the order of the file; no rows where nothing was published.

    Raises
    ------
    NumprobeError
        If the file is damaged.
    """
    wanted = (pl.col("experiment") == experiment) & pl.col("model").is_in(list(models))
    return read_published(file).filter(wanted)


def read_published(file: Path = FILE) -> pl.DataFrame:
    """All published numbers.

    Raises
    ------
    NumprobeError
        If columns or types are others than `SCHEMA`, a cell is empty, a value is no share, or a number occurs twice.
    """
    try:
        table = pl.read_csv(file, schema=SCHEMA)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise NumprobeError(f"{file} is not a table with the columns {', '.join(SCHEMA)} ({error})") from error
    if list(table.columns) != list(SCHEMA):
        raise NumprobeError(f"{file} has the columns {', '.join(table.columns)}, needed are {', '.join(SCHEMA)}")
    bad = table.filter(~pl.col("value").is_between(0, 1) | pl.any_horizontal(pl.all().exclude("n").is_null()))
    if not bad.is_empty():
        raise NumprobeError(f"{file}: every cell but n must be filled and value a share 0..1, not so in {bad.row(0)}")
    twice = table.filter(table.select(pl.exclude(_MEASURED)).is_duplicated())
    if not twice.is_empty():
        raise NumprobeError(f"{file} holds one number twice: {twice.row(0)}")
    return table
