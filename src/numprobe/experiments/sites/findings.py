"""Inside the layer: where in the middle block of each model numbers can be read."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.draw.published import published
from numprobe.probes.leading import choose_leading
from numprobe.tell.independent import independent
from numprobe.tell.rows import middle_rows
from numprobe.tell.section import Difference, Grid, Listed, Section, Share, Statement, cell_of, spread_out

#: Sites and their names on the page.
_SITES = {
    "residual_in": "residual in",
    "q": "q",
    "k": "k",
    "v": "v",
    "qkv": "q+k+v",
    "attention": "attention",
    "mlp": "MLP",
    "residual_out": "residual out",
}
_CONTROLS = ("shuffled", "untrained")

_METHOD = """Accuracy of the probe `{probe}` at the middle block of each model. The sites are the residual stream before
and after the block, the queries, keys and values before any norm or rotation, and the vectors that attention and MLP
add to the stream."""
_HIGHEST = (
    "The highest accuracy of any control, over all sites and blocks, is {accuracy} ({control} `{probe}`, {site} of "
    "block {layer} of {subject})."
)
_LEAVING = "The accuracy in the stream that leaves the block is {lowest} to {highest} % in {models} models."
_TOGETHER = (
    "The accuracy in queries, keys and values together is {lowest} to {highest} % in {models} models; this is {least} "
    "to {most} points more than in {comparison}."
)
_ADDED = "The output of the MLP is read better than {comparison} in {ahead} of {models} models."
_PROBES = "Mean accuracy over models and sites: {subject} {own} %; {rivals}."
_PUBLISHED = "Published means over blocks (arXiv 2510.26285, `sinusoidal`, 55 test values):"


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `sites`."""
    table = tables["sites"].filter(pl.col("fold").is_null(), metric="accuracy", subset="all")
    measured = table.filter(pl.col("value").is_not_null())
    probe = _leading(measured)
    parts: list[Any] = [_METHOD.format(probe=probe)]
    for context in measured["context"].unique(maintain_order=True):
        rows = measured.filter(pl.col("site").is_in(list(_SITES)), context=context)
        middle = middle_rows(rows)
        own = middle.filter(_plain(probe))
        parts += [f"Context `{context}`:", _at_sites(own)]
        parts += [*_highest_control(rows), *_comparisons(independent(own))]
        parts += _other_probes(independent(middle), probe)
    return Section("Inside the layer", [*parts, *_published(measured, probe)])


def _leading(measured: pl.DataFrame) -> str:
    probes = measured.filter(control="none")["probe"].unique(maintain_order=True).to_list()
    return choose_leading(probes)


def _plain(probe: str) -> pl.Expr:
    return (pl.col("control") == "none") & (pl.col("probe") == probe)


def _at_sites(rows: pl.DataFrame) -> Grid:
    models, sites = rows["model"].unique(maintain_order=True).to_list(), list(_SITES)
    order = [pl.col("model").replace_strict(models, range(len(models))), pl.col("site").replace_strict(sites, range(8))]
    named = rows.sort(order).with_columns(pl.col("site").replace_strict(_SITES), pl.col("layer").alias("block"))
    return spread_out(named, ["model", "block"], "site")


def _highest_control(rows: pl.DataFrame) -> Iterator[Statement]:
    """Yield the control that reads most, over all models, blocks, sites and probes."""
    controls = rows.filter(pl.col("control").is_in(_CONTROLS) & (pl.col("probe") != "constant"))
    for top in controls.sort("value", descending=True).head(1).iter_rows(named=True):
        place = {name: top[name] for name in ("control", "probe", "layer")} | {"site": _SITES[top["site"]]}
        yield Statement(top["model"], "", {"accuracy": cell_of(top), **place}, _HIGHEST)


def _comparisons(rows: pl.DataFrame) -> Iterator[Statement]:
    """Yield the results of the middle blocks, over the models."""
    at = {site: rows.filter(site=site) for site in _SITES}
    if at["residual_out"].height:
        yield Statement("residual out", "", _range(at["residual_out"]["value"]), _LEAVING)
    if at["qkv"].height:
        single = pl.concat([at[site] for site in "qkv"]).group_by("model").agg(pl.col("value").max().alias("best"))
        gain = at["qkv"].join(single, on="model").select(pl.col("value") - pl.col("best"))["value"]
        gains = {"least": Difference(_number(gain.min())), "most": Difference(_number(gain.max()))}
        yield Statement("q+k+v", "the best of the three alone", _range(at["qkv"]["value"]) | gains, _TOGETHER)
    pair = at["mlp"].join(at["attention"], on="model", suffix="_attention")
    if pair.height:
        ahead = pair.filter(pl.col("value") > pl.col("value_attention")).height
        yield Statement("MLP", "that of attention", {"ahead": ahead, "models": pair.height}, _ADDED)


def _range(values: pl.Series) -> dict[str, Any]:
    """Return the lowest and the highest accuracy of some models, and their number."""
    return {"lowest": Share(_number(values.min())), "highest": Share(_number(values.max())), "models": len(values)}


def _number(value: Any) -> float:
    return float(value)


def _other_probes(middle: pl.DataFrame, probe: str) -> Iterator[Statement]:
    """Yield the mean accuracy of the probe beside those of the others, where there are some."""
    others = middle.filter(~pl.col("probe").is_in([probe, "constant"]), control="none")
    if others.height:
        best = others.group_by("probe", maintain_order=True).agg(pl.col("value").mean())
        own = Share(_number(middle.filter(_plain(probe))["value"].mean()))
        rivals = Listed({f"`{name}`": Share(value) for name, value in best.iter_rows()}, "%")
        yield Statement(f"`{probe}`", "the other probes", {"own": own, "rivals": rivals}, _PROBES)


def _published(measured: pl.DataFrame, probe: str) -> list[str | Grid]:
    """Return published accuracies of the models that the study has."""
    ours = measured.filter(_plain(probe))
    found = published("sites", ours["model"].unique(maintain_order=True).to_list())
    if found.is_empty():
        return []
    theirs = found.group_by("model", "metric", maintain_order=True).agg(pl.col("value").mean())
    rows = [[model, metric.removeprefix("accuracy at "), Share(value)] for model, metric, value in theirs.rows()]
    return [_PUBLISHED, Grid(["model", "site", "accuracy"], rows)]
