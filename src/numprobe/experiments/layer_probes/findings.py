"""Findings on probes of all kinds, layer by layer."""

from collections.abc import Mapping, Sequence

import polars as pl

from numprobe.draw.series import leading_probe
from numprobe.draw.style import probe_order
from numprobe.layers import layer_order, middle_layer
from numprobe.tell.markdown import cell, per_cent, pivot

_KEY = ["model", "context"]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Markdown: the leading probe per layer, all probes at the middle, explained variance, selectivity.

    Parameters
    ----------
    tables
        Collected tables; `accuracy` is read, `layer_probes` and `selectivity` if there are.
    """
    trained, selective = tables.get("layer_probes"), tables.get("selectivity")
    contexts = _contexts(trained, selective)
    whole = (pl.col("subset") == "all") & pl.col("fold").is_null() & pl.col("value").is_not_null()
    table = tables["accuracy"].filter(whole & pl.col("context").is_in(contexts))
    plain = table.filter(pl.col("control") == "none")
    leading = leading_probe(plain.filter(pl.col("metric") == "accuracy"))
    exact = plain.filter((pl.col("metric") == "accuracy") & (pl.col("probe") == leading))
    parts = [
        "## Every probe, layer by layer (`layer_probes`)\n",
        f"Exact accuracy of `{leading}` on unseen numbers:\n",
        pivot(_in_layers(exact), index=("model", "context"), column="layer"),
        _at_middle(table, trained, leading),
        _magnitude(plain),
        _selectivity(selective),
        _meaning(table, leading),
    ]
    return "\n".join(part for part in parts if part)


def _contexts(trained: pl.DataFrame | None, selective: pl.DataFrame | None) -> Sequence[str]:
    found = [table["context"] for table in (trained, selective) if table is not None]
    return pl.concat(found).unique(maintain_order=True).to_list() if found else ["operand", "result"]


def _in_layers(rows: pl.DataFrame) -> pl.DataFrame:
    order = {name: place for place, name in enumerate(layer_order(rows["layer"]))}
    return rows.sort(pl.col("layer").replace_strict(order), maintain_order=True)


def _middle(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each model's middle block, which is fixed beforehand."""
    parts = rows.filter(pl.col("layer").str.contains(r"^\d+$")).partition_by("model", maintain_order=True)
    return pl.concat([part.filter(pl.col("layer") == middle_layer(part["layer"])) for part in parts] or [rows.clear()])


def _at_middle(table: pl.DataFrame, trained: pl.DataFrame | None, leading: str) -> str:
    columns = ["model", "context", "layer", "control", "value", "ci_low", "ci_high", "note"]
    exact = table.filter(pl.col("metric") == "accuracy")
    readers = [exact.filter(pl.col("control") == "none").with_columns(pl.col("probe").alias("reader"))]
    if trained is not None:
        whole = (pl.col("subset") == "all") & pl.col("fold").is_null() & (pl.col("metric") == "accuracy")
        own = trained.filter(whole & (pl.col("control") == "none") & pl.col("value").is_not_null())
        again = own.select("model", "context", "probe").unique()
        readers[0] = readers[0].join(again, on=["model", "context", "probe"], how="anti", maintain_order="left")
        name = (
            pl.when(pl.col("settings") == "default").then("probe").otherwise(pl.col("probe") + ", published settings")
        )
        readers.append(own.with_columns(name.alias("reader")))
    plain = pl.concat([part.select(*columns, "reader", "probe") for part in readers])
    order = {name: place for place, name in enumerate(probe_order(plain["probe"]))}
    plain = plain.sort(pl.col("probe").replace_strict(order), maintain_order=True)
    controls = exact.filter((pl.col("control") != "none") & pl.col("probe").is_in([leading, "constant"]))
    controls = controls.with_columns(pl.col("control").alias("reader")).select(*columns, "reader", "probe")
    middle = _middle(pl.concat([plain, controls]))
    text = (
        "All probes at the middle block (those of gradient descent on fewer folds), and controls of the leading one:\n"
    )
    return f"{text}\n{pivot(middle, index=('model', 'context', 'layer'), column='reader')}"


def _magnitude(plain: pl.DataFrame) -> str:
    rows = _middle(plain.filter((pl.col("metric") == "r2") & pl.col("probe").is_in(["linear", "log"])))
    if rows.is_empty():
        return ""
    lines = ["| model | context | R² of linear | R² of log |", "|---|---|---|---|"]
    for part in rows.partition_by(_KEY, maintain_order=True):
        cells = {row["probe"]: _decimal(row) for row in part.iter_rows(named=True)}
        names = f"{part['model'][0]} | {part['context'][0]}"
        lines.append(f"| {names} | {cells.get('linear', '')} | {cells.get('log', '')} |")
    return "Explained variance there, of probes that hardly name a number exactly:\n\n" + "\n".join(lines) + "\n"


def _decimal(row: Mapping[str, object]) -> str:
    low, high = row["ci_low"], row["ci_high"]
    return f"{row['value']:.2f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")


def _selectivity(selective: pl.DataFrame | None) -> str:
    if selective is None:
        return ""
    measured = selective.filter(pl.col("value").is_not_null())
    middle = _middle(measured)
    order = {name: place for place, name in enumerate(probe_order(middle["probe"]))}
    middle = middle.sort(pl.col("probe").replace_strict(order), maintain_order=True)
    difference = middle.filter(pl.col("metric") == "selectivity")
    task = middle.filter((pl.col("metric") == "accuracy") & (pl.col("control") == "task"))
    learned = [
        name for name in probe_order(task["probe"]) if (task.filter(pl.col("probe") == name)["value"] > 0.5).any()
    ]
    names = ", ".join(f"`{name}`" for name in learned)
    meaning = (
        f"More than half of the random labels are learned by {names}: what such a rich probe reads of numbers that it "
        "HAS seen proves nothing; only unseen numbers, as everywhere else on this page, tell a code from a list.\n"
        if learned
        else "No probe learns half of the random labels: what they read is in the states.\n"
    )
    return (
        "Selectivity there (numbers seen in other prompts: accuracy minus accuracy on random labels):\n\n"
        + pivot(difference, index=("model", "context", "layer"), column="probe")
        + "\nThe random labels alone are learned by heart to this degree:\n\n"
        + pivot(task, index=("model", "context", "layer"), column="probe")
        + "\n"
        + meaning
    )


def _meaning(table: pl.DataFrame, leading: str) -> str:
    exact = table.filter((pl.col("metric") == "accuracy") & (pl.col("probe") == leading))
    plain = exact.filter(pl.col("control") == "none")
    texts = []
    for part in plain.partition_by(_KEY, maintain_order=True):
        best = part.sort("value", descending=True, maintain_order=True).row(0, named=True)
        worst = part.sort("value", maintain_order=True).row(0, named=True)
        names = f"{best['model']}, {best['context']}"
        texts.append(
            f"- {names}: best in layer {best['layer']}, {cell(best)}; worst in {worst['layer']}, {cell(worst)}"
        )
    controls = exact.filter(pl.col("control") != "none")["value"].to_list()
    level = f"\nThe controls of `{leading}` reach at most {per_cent(max(controls))} in any layer.\n" if controls else ""
    return "\n".join(texts) + "\n" + level
