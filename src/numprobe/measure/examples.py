"""A small sample of decoded numbers in their texts, to be read by people."""

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.layers import middle_layer
from numprobe.prompts.table import prompt_texts
from numprobe.seeding import generator
from numprobe.status import Status

#: Characters of a text that are kept on each side of the number.
AROUND = 2000


def sample_examples(predictions: pl.DataFrame, prompts: pl.DataFrame, per_group: int, seed: int) -> pl.DataFrame:
    """Some test rows as read at the first, the middle and the last layer; the same rows in each.

    Parameters
    ----------
    predictions
        Out-of-fold readings of one model in one context. The first probe that is no control is shown.
    prompts
        The context's prompt table.
    per_group
        Rows per layer.
    seed
        The study's seed.

    Returns
    -------
    Columns `layer`, `probe`, `text` (of a long text what stands around the number, `AROUND` characters on each side),
    `start`, `end` (character span of the number in it), `number`, `decoded`, `correct`, and
    `status` and `note` (null), by layer and row.

    Raises
    ------
    NumprobeError
        If there are no readings of a plain probe, or the prompts are those of another context.
    """
    plain = predictions.filter(pl.col("control") == "none")
    if plain.is_empty():
        raise NumprobeError("the predictions hold no plain probe: sample from those of a model as it is")
    plain = plain.filter(pl.col("probe") == plain["probe"][0])
    layers = _three_of(plain["layer"].unique(maintain_order=True).to_list())
    tested = plain["row"].unique().sort()
    chosen = generator(seed, "examples").choice(tested.to_numpy(), size=min(per_group, len(tested)), replace=False)
    sample = plain.filter(pl.col("row").is_in(np.sort(chosen).tolist()) & pl.col("layer").is_in(layers))
    return _with_text(sample, prompts)


def _three_of(layers: list[str]) -> list[str]:
    """The first, the middle and the last of the layers, in their order."""
    chosen = {layers[0], middle_layer(layers), layers[-1]}
    return [layer for layer in layers if layer in chosen]


def _with_text(sample: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    # The only number of a text is told by its prompt: in a chat template it stands elsewhere.
    only = prompts["prompt"].is_unique().all()
    spans = prompts.select("prompt", "start", "end", pl.col("number").alias("written"))
    key = ["prompt"] if only else ["prompt", "start"]
    joined = (sample.drop("start") if only else sample).join(spans, on=key, how="left", maintain_order="left")
    if joined["written"].null_count() or (joined["written"] != joined["number"]).any():
        raise NumprobeError("the prompts are not those of the predictions: name the table of the same context")
    correct = (pl.col("number") == pl.col("decoded")).alias("correct")
    columns = pl.lit(Status.MEASURED).alias("status"), pl.lit(None, dtype=pl.String).alias("note")
    read = joined.with_columns(_excerpts(joined, prompts))
    return read.select("layer", "probe", "text", "start", "end", "number", "decoded", correct, *columns)


def _excerpts(rows: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    """`text`, `start` and `end` of rows: all of a text, or what stands around the number in a long one."""
    texts = dict(prompt_texts(prompts).iter_rows())
    found = []
    for prompt, start, end in rows.select("prompt", "start", "end").iter_rows():
        first = max(start - AROUND, 0)
        found.append((texts[prompt][first : end + AROUND], start - first, end - first))
    return pl.DataFrame(found, schema={"text": pl.String, "start": pl.UInt32, "end": pl.UInt32}, orient="row")
