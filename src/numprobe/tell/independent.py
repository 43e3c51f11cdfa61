"""Models that are independent of each other, for sentences that count models.

A checkpoint, or a further training of a model, is no other model. The page adds to each table the model that every row
belongs to; findings count `independent` rows and show all.
"""

from collections.abc import Mapping

import polars as pl

#: The model that a row's model belongs to, and the row's model as the study names it, whatever a section calls it.
_OWNER, _NAME = "belongs_to", "name_in_study"
_OTHER = "other_belongs_to"
#: Help of the option that `read_origins` reads.
ORIGINS_HELP = "checkpoints and further trainings, and the model that each belongs to"


def with_owners(table: pl.DataFrame, origins: Mapping[str, str]) -> pl.DataFrame:
    """Return a table that says which model each row belongs to, as `independent` reads it.

    Parameters
    ----------
    table
        A collected table; without a column `model` it is returned as it is.
    origins
        Checkpoint or further training -> its model.
    """
    if "model" not in table.columns:
        return table
    owners = {_OWNER: pl.col("model").replace(origins), _NAME: pl.col("model")}
    if "other_model" in table.columns:
        owners[_OTHER] = pl.col("other_model").replace(origins)
    return table.with_columns(**owners)


def independent(rows: pl.DataFrame, *cases: str) -> pl.DataFrame:
    """Return the rows of models that are independent of each other: one model of those that belong together.

    That is the model itself where it is among them, else the first of its checkpoints and further trainings. Rows that
    compare two models are kept where both are among these and do not belong together.

    Parameters
    ----------
    rows
        Rows of a table from `with_owners`; without its columns, all rows are returned.
    cases
        Columns that tell cases apart: of each case one model is kept.
    """
    if _OWNER not in rows.columns:
        return rows
    keys = [_OWNER, *cases]
    models = rows.select(_NAME, *keys)
    if _OTHER in rows.columns:
        others = rows.select(pl.col("other_model").alias(_NAME), pl.col(_OTHER).alias(_OWNER), *cases)
        models = pl.concat([models, others.drop_nulls(_NAME)])
    first = models.unique(maintain_order=True).sort(pl.col(_OWNER) != pl.col(_NAME), maintain_order=True)
    kept = first.unique(keys, keep="first", maintain_order=True)
    found = rows.join(kept, on=[_NAME, *keys], how="semi", nulls_equal=True, maintain_order="left")
    if _OTHER not in rows.columns:
        return found
    apart = pl.col(_OTHER).is_null() | (pl.col(_OTHER) != pl.col(_OWNER))
    return found.filter(apart & (pl.col("other_model").is_null() | pl.col("other_model").is_in(kept[_NAME].implode())))


def read_origins(pairs: list[str]) -> dict[str, str]:
    """Return checkpoint or further training -> its model, from `NAME=MODEL` on a command line."""
    return dict(pair.split("=", 1) for pair in pairs)
