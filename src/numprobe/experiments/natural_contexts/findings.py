"""Findings on numbers in running text."""

from collections.abc import Mapping

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.series import leading_probe
from numprobe.layers import layer_order, middle_layer
from numprobe.tell.markdown import cell, pivot

_NATURAL = "domain="


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Markdown: accuracy in text per layer, by domain at the middle, transfer to and from arithmetic.

    Parameters
    ----------
    tables
        Collected tables; `accuracy` and `transfer` are read. A context whose rows have domains is running text.
    """
    usable = pl.col("fold").is_null() & (pl.col("metric") == "accuracy") & pl.col("value").is_not_null()
    exact = tables["accuracy"].filter(usable)
    plain = exact.filter(pl.col("control") == "none")
    domains = plain.filter(pl.col("subset").str.starts_with(_NATURAL))
    if domains.is_empty():
        return "## Numbers in running text (`natural_contexts`)\n\nNo context has domains.\n"
    leading = leading_probe(plain)
    texts = domains["context"].unique(maintain_order=True).to_list()
    mine = pl.col("probe") == leading
    here = exact.filter(pl.col("context").is_in(texts) & (pl.col("subset") == "all") & mine)
    reader = pl.when(pl.col("control") == "none").then(pl.lit(leading)).otherwise(pl.col("control"))
    moved = tables["transfer"].filter(usable & (pl.col("control") == "none") & (pl.col("subset") == "all"))
    parts = [
        "## Numbers in running text (`natural_contexts`)\n",
        f"`{leading}` and its controls on unseen numbers in unseen passages:\n",
        pivot(
            _in_layers(here.with_columns(reader.alias("reader"))), index=("model", "context", "reader"), column="layer"
        ),
        _domains(domains.filter(mine)),
        _transfer(moved, texts),
    ]
    return "\n".join(part for part in parts if part)


def _in_layers(rows: pl.DataFrame) -> pl.DataFrame:
    order = {name: place for place, name in enumerate(layer_order(rows["layer"]))}
    return rows.sort(pl.col("layer").replace_strict(order), maintain_order=True)


def _domains(rows: pl.DataFrame) -> str:
    parts = rows.filter(pl.col("layer").str.contains(r"^\d+$")).partition_by("model", maintain_order=True)
    middle = pl.concat([part.filter(pl.col("layer") == middle_layer(part["layer"])) for part in parts])
    shown = middle.with_columns(pl.col("subset").str.strip_prefix(_NATURAL).alias("domain"))
    return f"By domain, at the middle block:\n\n{pivot(shown, index=('model', 'context', 'layer'), column='domain')}"


def _transfer(moved: pl.DataFrame, texts: list[str]) -> str:
    into = moved.filter(pl.col("context").is_in(texts) ^ pl.col("fit_context").is_in(texts))
    pairs = into.filter((pl.col("context") == "operand") | (pl.col("fit_context") == "operand"))
    if pairs.is_empty():
        return ""
    route = (pl.col("fit_context") + " → " + pl.col("context")).alias("route")
    table = pivot(_in_layers(pairs.with_columns(route)), index=("model", "route"), column="layer")
    return f"Fitted in one context, tested in another:\n\n{table}\n{_meaning(moved, pairs, texts)}"


def _meaning(moved: pl.DataFrame, pairs: pl.DataFrame, texts: list[str]) -> str:
    """Per model, which direction loses more of the tested context's own accuracy, averaged over the layers."""
    own = moved.filter(pl.col("context") == pl.col("fit_context")).select("model", "context", "layer", own="value")
    lost = pairs.join(own, on=["model", "context", "layer"]).with_columns(
        (pl.col("own") - pl.col("value")).alias("lost")
    )
    lines = []
    alike = 0
    for part in lost.partition_by("model", maintain_order=True):
        from_text = part.filter(pl.col("fit_context").is_in(texts))
        from_arithmetic = part.filter(~pl.col("fit_context").is_in(texts))
        if from_text.is_empty() or from_arithmetic.is_empty():
            continue
        alike += _mean(from_arithmetic) > _mean(from_text)
        worst = part.sort("lost", descending=True, maintain_order=True).row(0, named=True)
        lines.append(
            f"- {part['model'][0]}: against the tested context's own probe, probes of text lose "
            f"{_points(from_text)} points in arithmetic and probes of arithmetic {_points(from_arithmetic)} in text "
            f"(means over layers); the largest loss is in layer {worst['layer']}, {worst['fit_context']} → "
            f"{worst['context']}, which reads {cell(worst)}"
        )
    asymmetry = f"In {alike} of {len(lines)} models probes of text keep more of arithmetic than the other way round."
    return "\n".join([*lines, "", f"{asymmetry} {_paper()}", ""]) if lines else ""


def _paper() -> str:
    """The same two losses of the one model of which the paper printed them."""
    fitted = pl.col("metric").str.strip_prefix("accuracy fitted on ")
    numbers = published("natural_contexts", ["llama-3.2-1b"]).filter(pl.col("metric") != "accuracy")
    numbers = numbers.with_columns(fitted.alias("fit_context"))
    own = numbers.filter(pl.col("context") == pl.col("fit_context")).select("context", "layer", own="value")
    lost = numbers.join(own, on=["context", "layer"]).with_columns((pl.col("own") - pl.col("value")).alias("lost"))
    to_arithmetic = lost.filter((pl.col("fit_context") == "natural") & (pl.col("context") == "operand"))
    to_text = lost.filter((pl.col("fit_context") == "operand") & (pl.col("context") == "natural"))
    return (
        f"The paper's `sinusoidal` probes of Llama-3.2-1B lose {_points(to_arithmetic)} and {_points(to_text)} points, "
        "the latter growing with depth; its states were not standardised."
    )


def _points(rows: pl.DataFrame) -> str:
    return f"{100 * _mean(rows):.0f}"


def _mean(rows: pl.DataFrame) -> float:
    return float(rows["lost"].to_numpy().mean())
