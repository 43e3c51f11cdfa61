"""Findings on the similarity of number spaces."""

from collections.abc import Mapping

import polars as pl

_COSINE = (pl.col("metric") == "spearman") & (pl.col("dissimilarity") == "cosine")
_CONTROLS = {
    "matched": "other words",
    "untrained": "both untrained",
    "gaussian": "Gaussian vectors",
    "shuffled": "shuffled numbers",
}


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Markdown: every pair at the embeddings and the middle layer, controls, theories, and what they mean.

    Parameters
    ----------
    tables
        Collected tables; `rsa` is read.
    """
    table = tables["rsa"].filter(_COSINE)
    measured = table.filter(pl.col("value").is_not_null())
    pairs = measured.filter(pl.col("other_layer") != "theory")
    parts = [
        "## Are the number spaces of different models alike? (`rsa`)\n",
        "Spearman correlation of the cosine dissimilarities of all pairs of numbers that were read in both models; "
        "in brackets 95 % intervals over numbers; p from permutations of the numbers (Mantel).\n",
        _pairs(pairs),
        _controls(pairs),
        _theories(measured.filter(pl.col("other_layer") == "theory", pl.col("control") == "none")),
        _meaning(pairs),
        _skipped(table),
    ]
    return "\n".join(part for part in parts if part)


def _pairs(pairs: pl.DataFrame) -> str:
    plain = pairs.filter(pl.col("control") == "none", pl.col("p_value").is_not_null())
    lines = ["| models | numbers | state | correlation | p |", "|---|---|---|---|---|"]
    for row in plain.sort("model", "other", maintain_order=True).iter_rows(named=True):
        names = f"{row['model']} – {row['other']}"
        state = _state(row)
        lines.append(f"| {names} | {row['n_values']} | {state} | {_cell(row)} | {row['p_value']:.2g} |")
    return "\n".join(lines) + "\n"


def _state(row: dict[str, object]) -> str:
    if row["context"] == "vocabulary":
        return f"{row['layer']}" if row["layer"] == row["other_layer"] else f"{row['layer']} / {row['other_layer']}"
    return f"layer {row['layer']} / {row['other_layer']}"


def _cell(row: dict[str, object]) -> str:
    low, high = row["ci_low"], row["ci_high"]
    return f"{row['value']:.2f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")


def _controls(pairs: pl.DataFrame) -> str:
    embedded = pairs.filter(pl.col("layer") == "embedding", pl.col("other_layer") == "embedding")
    lines = []
    for control, name in _CONTROLS.items():
        rows = embedded.filter(pl.col("control") == control)
        if rows.height:
            smallest, largest = (float(str(end)) for end in (rows["ci_low"].min(), rows["ci_high"].max()))
            mean = _mean(rows)
            lines.append(f"- {name}: {mean:.2f} on average, all intervals within {smallest:.2f} to {largest:.2f}")
    return "Controls at the input embeddings, over all pairs:\n\n" + "\n".join(lines) + "\n" if lines else ""


def _mean(rows: pl.DataFrame) -> float:
    return float(rows["value"].to_numpy().mean())


def _theories(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return ""
    theories = rows["other"].unique(maintain_order=True).to_list()
    # A bar inside a cell would end it.
    heads = [theory.replace("|", "\\|") for theory in theories]
    lines = ["| input embeddings of | " + " | ".join(heads) + " |", "|---" * (len(theories) + 1) + "|"]
    for part in rows.partition_by("model", maintain_order=True):
        cells = {row["other"]: _cell(row) for row in part.iter_rows(named=True)}
        lines.append(f"| {part['model'][0]} | " + " | ".join(cells.get(theory, "") for theory in theories) + " |")
    return "What the numbers alone predict:\n\n" + "\n".join(lines) + "\n"


def _meaning(pairs: pl.DataFrame) -> str:
    """One or two sentences, by the numbers."""
    plain = pairs.filter(
        pl.col("control") == "none", pl.col("layer") == "embedding", pl.col("other_layer") == "embedding"
    )
    if plain.is_empty():
        return ""
    key = ["model", "other"]
    embedded = pairs.filter(pl.col("layer") == "embedding", pl.col("other_layer") == "embedding")
    others = embedded.filter(pl.col("control").is_in(["untrained", "gaussian", "shuffled", "matched"]))
    best = others.group_by(key).agg(pl.col("ci_high").max().alias("control_high"))
    joined = plain.join(best, on=key, how="left")
    above = joined.filter(pl.col("ci_low") > pl.col("control_high").fill_null(0)).height
    words = embedded.filter(pl.col("control") == "matched")
    text = (
        f"In {above} of {plain.height} pairs the numbers' correlation lies above the intervals of all controls: these "
        "models arrange the numbers alike, beyond chance"
    )
    if words.height:
        text += f" and beyond what other words reach ({_mean(words):.2f} on average)"
    return (
        f"{text}. Models that the workflow trains share data and tokenizer, so pairs with a model of another origin "
        "weigh more. The paper states likeness of this kind without printing values, so there is none to compare.\n"
    )


def _skipped(table: pl.DataFrame) -> str:
    notes = table.filter(pl.col("note").fill_null("").str.starts_with("not applicable"))
    lines = [
        f"- {row['model']} – {row['other']}, {row['control']}, {row['layer']}: {row['note']}"
        for row in notes.iter_rows(named=True)
    ]
    return "\n".join([*lines, ""]) if lines else ""
