"""Findings on probes of the embedding matrices."""

from collections.abc import Mapping

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.series import leading_probe
from numprobe.draw.style import probe_order
from numprobe.tell.markdown import cell, per_cent, pivot

#: Lists of misread numbers that are longer than this are cut.
MOST_LISTED = 40
_PLACE = ["model", "layer"]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Markdown: accuracies of all probes and controls, spread over folds, ends, and the numbers that are misread.

    Parameters
    ----------
    tables
        Collected tables; `embedding_probes` and `non_decodable` are read.
    """
    table = tables["embedding_probes"].filter(pl.col("fold").is_null())
    exact = table.filter((pl.col("metric") == "accuracy") & pl.col("value").is_not_null())
    plain = exact.filter(pl.col("control") == "none")
    leading = leading_probe(plain)
    mine = plain.filter((pl.col("probe") == leading) & (pl.col("settings") == "default"))
    parts = [
        "## Which numbers can be read from the embedding matrices? (`embedding_probes`)\n",
        "Exact accuracy on held-out numbers; the controls are those of the leading probe. Probes of gradient descent "
        "were tested on fewer folds, hence their wide intervals.\n",
        _accuracies(exact, leading),
        _spread(table, leading),
        _ranges(mine),
        _misread(mine, tables["non_decodable"], leading),
        _meaning(exact, mine, leading),
        _paper(plain),
    ]
    return "\n".join(part for part in parts if part)


def _accuracies(exact: pl.DataFrame, leading: str) -> str:
    whole = exact.filter(pl.col("subset") == "all")
    plain = whole.filter(pl.col("control") == "none").with_columns(
        pl.when(pl.col("settings") == "published")
        .then(pl.col("probe") + ", published settings")
        .otherwise(pl.col("probe"))
        .alias("reader")
    )
    order = {name: place for place, name in enumerate(probe_order(plain["probe"]))}
    plain = plain.sort(pl.col("probe").replace_strict(order), maintain_order=True)
    controls = whole.filter((pl.col("control") != "none") & pl.col("probe").is_in([leading, "constant"]))
    shown = pl.concat([plain, controls.with_columns(pl.col("control").alias("reader"))])
    return pivot(shown, index=("model", "layer"), column="reader")


def _spread(table: pl.DataFrame, leading: str) -> str:
    rows = table.filter((pl.col("probe") == leading) & pl.col("metric").str.starts_with("fold_"))
    lines = []
    for part in rows.partition_by(_PLACE, maintain_order=True):
        found = dict(zip(part["metric"], part["value"], strict=True))
        mean, spread = 100 * found["fold_mean"], 100 * found["fold_sd"]
        lines.append(f"{part['model'][0]} {part['layer'][0]} {mean:.1f} ± {spread:.1f}")
    count = rows["note"][0].split(",")[0] if rows.height else ""
    return f"`{leading}`, mean ± standard deviation over {count}: {'; '.join(lines)}.\n" if lines else ""


def _ranges(mine: pl.DataFrame) -> str:
    rows = mine.filter(pl.col("subset").str.starts_with("values="))
    texts = [
        f"{row['model']} {row['subset'].removeprefix('values=')}: {cell(row)}" for row in rows.iter_rows(named=True)
    ]
    return "Where only some numbers are single tokens: " + "; ".join(texts) + ".\n" if texts else ""


def _misread(mine: pl.DataFrame, wrong: pl.DataFrame, leading: str) -> str:
    lines = []
    for row in mine.filter(pl.col("subset") == "all").iter_rows(named=True):
        here = wrong.filter((pl.col("model") == row["model"]) & (pl.col("layer") == row["layer"]))
        numbers = here.filter((pl.col("probe") == leading) & (pl.col("settings") == "default"))["number"].to_list()
        ends = _ends(mine, row)
        listed = ", ".join(map(str, numbers[:MOST_LISTED])) + (", ..." if len(numbers) > MOST_LISTED else "")
        names = f": {listed}" if numbers else ""
        lines.append(f"- {row['model']}, {row['layer']}: {len(numbers)} of {row['n_values']}{names}{ends}")
    return f"Numbers that `{leading}` misreads (all probes: table `non_decodable`):\n\n" + "\n".join(lines) + "\n"


def _ends(mine: pl.DataFrame, place: Mapping[str, object]) -> str:
    here = mine.filter((pl.col("model") == place["model"]) & (pl.col("layer") == place["layer"]))
    texts = []
    for end in ("smallest", "largest"):
        rows = here.filter(pl.col("subset").str.starts_with(f"{end}="))
        if rows.height:
            count = rows["subset"][0].split("=")[1]
            texts.append(f"{end} {count} {cell(rows.row(0, named=True))}")
    return f" (accuracy on the {', '.join(texts)})" if texts else ""


def _meaning(exact: pl.DataFrame, mine: pl.DataFrame, leading: str) -> str:
    whole = mine.filter(pl.col("subset") == "all")
    others = exact.filter((pl.col("subset") == "all") & (pl.col("control") == "none") & (pl.col("probe") != leading))
    tested = whole.select(*_PLACE, "n_values")
    others = others.join(tested, on=[*_PLACE, "n_values"])
    rival = others.sort("value", descending=True).group_by(_PLACE, maintain_order=True).first()
    joined = whole.join(rival, on=_PLACE, suffix="_rival")
    first = joined.filter(pl.col("ci_low") > pl.col("ci_high_rival")).height
    controls = exact.filter((pl.col("control") != "none") & (pl.col("subset") == "all") & (pl.col("probe") == leading))
    highest = controls["value"].to_list()
    text = (
        f"`{leading}` reads more numbers than every other closed-form probe, intervals apart, in {first} of "
        f"{joined.height} matrices"
    )
    level = f"; its controls reach at most {per_cent(max(highest))}" if highest else ""
    return f"{text}{level}.\n"


def _paper(plain: pl.DataFrame) -> str:
    numbers = published("embedding_probes", plain["model"].unique()).filter(pl.col("metric") == "accuracy")
    if numbers.is_empty():
        return "The paper printed numbers for other models only.\n"
    ours = plain.filter((pl.col("subset") == "all") & (pl.col("probe") == "sinusoidal"))
    joined = numbers.join(ours, on=["model", "layer", "probe"], suffix="_ours")
    texts = [
        f"{row['model']} {per_cent(row['value'])} (ours, {row['settings']} settings: {per_cent(row['value_ours'])})"
        for row in joined.iter_rows(named=True)
    ]
    return f"The paper's `sinusoidal`: {'; '.join(texts)}.\n"
