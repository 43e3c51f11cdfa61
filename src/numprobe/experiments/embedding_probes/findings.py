"""Findings on probes of the embedding matrices."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.draw.published import published
from numprobe.draw.series import leading_probe
from numprobe.tell.independent import independent
from numprobe.tell.rows import in_probe_order, named_by_settings
from numprobe.tell.section import Grid, Listed, Section, Share, Statement, cell_of, spread_out

#: Lists of misread numbers that are longer than this are cut.
MOST_LISTED = 40
_PLACE = ["model", "layer"]
_SHOWN = [*_PLACE, "reader", "value", "ci_low", "ci_high"]
_WHOLE, _PLAIN = pl.col("subset") == "all", pl.col("control") == "none"
_RANGE = "values="

_NOTE = (
    "Exact accuracy on held-out numbers; the controls are those of the leading probe. Probes trained by gradient "
    "descent are tested on fewer folds, hence their wide intervals."
)
_FOLDS = (
    "{subject}: over {folds} folds, the accuracy of `{probe}` is {mean:.1f} ± {sd:.1f} (mean and standard deviation)."
)
_RANGES = "{subject}: only some numbers are single tokens; the accuracies of `{probe}` by range are {ranges}."
_MISREAD = "{subject}: `{probe}` misreads {misread} of {tested} numbers"
_SOME_MISREAD = f"{_MISREAD}: {{listed}}."
_NONE_MISREAD = f"{_MISREAD}."
_ENDS = " The accuracy is {smallest} on the {ends} smallest and {largest} on the {ends} largest numbers."
_FIRST = (
    "{subject} reads more numbers than {comparison}, with intervals apart, in {first} of {matrices} matrices (rivals "
    "are tested on as many numbers)."
)
_CONTROLS = "The controls of {subject} reach at most {highest}."
_PUBLISHED = "{subject}: the published `sinusoidal` probe reads {published}, ours with {settings} settings {ours}."
_NOT_PUBLISHED = "There are no published numbers of these models."
_ALL_MISREAD = "The numbers that each probe misreads are in the table `non_decodable`."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the tables `embedding_probes` and `non_decodable`."""
    table = tables["embedding_probes"].filter(pl.col("fold").is_null())
    exact = table.filter(pl.col("value").is_not_null(), metric="accuracy")
    leading = leading_probe(exact.filter(_PLAIN))
    mine = exact.filter(_PLAIN, probe=leading, settings="default")
    whole = exact.filter(_WHOLE)
    parts = [
        _NOTE,
        _accuracies(whole, leading),
        *_folds(table, leading),
        *_ranges(mine),
        *_misread(mine, tables["non_decodable"], leading),
        _ALL_MISREAD,
        _rank(independent(whole.filter(_PLAIN)), independent(mine.filter(_WHOLE)), leading),
        *_controls(whole.filter(~_PLAIN, probe=leading), leading),
        *_published(whole.filter(_PLAIN)),
    ]
    return Section("Which numbers can be read from the embedding matrices? (`embedding_probes`)", parts)


def _accuracies(whole: pl.DataFrame, leading: str) -> Grid:
    plain = in_probe_order(whole.filter(_PLAIN).with_columns(named_by_settings()))
    controls = whole.filter(~_PLAIN & pl.col("probe").is_in([leading, "constant"])).with_columns(reader="control")
    return spread_out(pl.concat([part.select(_SHOWN) for part in (plain, controls)]), _PLACE, "reader")


def _folds(table: pl.DataFrame, leading: str) -> Iterator[Statement]:
    """Yield the mean and the standard deviation over folds, in per cent, of each matrix."""
    rows = table.filter(pl.col("metric").str.starts_with("fold_"), probe=leading)
    for part in rows.partition_by(_PLACE, maintain_order=True):
        found = dict(zip(part["metric"], part["value"], strict=True))
        numbers = {
            "folds": int(part["note"][0].split(" ")[0]),
            "probe": leading,
            "mean": 100 * found["fold_mean"],
            "sd": 100 * found["fold_sd"],
        }
        yield Statement(_name(part.row(0, named=True)), "", numbers, _FOLDS)


def _ranges(mine: pl.DataFrame) -> Iterator[Statement]:
    rows = mine.filter(pl.col("subset").str.starts_with(_RANGE))
    for part in rows.partition_by(_PLACE, maintain_order=True):
        ranges = {row["subset"].removeprefix(_RANGE): cell_of(row) for row in part.iter_rows(named=True)}
        numbers = {"probe": part["probe"][0], "ranges": Listed(ranges)}
        yield Statement(_name(part.row(0, named=True)), "", numbers, _RANGES)


def _misread(mine: pl.DataFrame, wrong: pl.DataFrame, leading: str) -> Iterator[Statement]:
    """Yield, of each matrix, the numbers that the leading probe misreads, and its accuracy at the ends."""
    of_leading = wrong.filter(probe=leading, settings="default")
    for row in mine.filter(_WHOLE).iter_rows(named=True):
        here = (pl.col("model") == row["model"]) & (pl.col("layer") == row["layer"])
        misread = of_leading.filter(here)["number"].to_list()
        numbers = {
            "probe": leading,
            "misread": len(misread),
            "tested": row["n_values"],
            "listed": _listed(misread),
        }
        ends = _ends(mine.filter(here))
        wording = (_SOME_MISREAD if misread else _NONE_MISREAD) + (_ENDS if ends else "")
        yield Statement(_name(row), "", numbers | ends, wording)


def _listed(numbers: list[int]) -> str:
    more = len(numbers) - MOST_LISTED
    return ", ".join(map(str, numbers[:MOST_LISTED])) + (f" and {more} more" if more > 0 else "")


def _ends(mine: pl.DataFrame) -> dict[str, Any]:
    """Return the accuracies on the smallest and on the largest numbers, and their count; nothing if not measured."""
    rows = mine.filter(pl.col("subset").str.contains("^(smallest|largest)="))
    found: dict[str, Any] = {}
    for row in rows.iter_rows(named=True):
        end, count = row["subset"].split("=")
        found |= {end: cell_of(row), "ends": int(count)}
    return found


def _rank(plain: pl.DataFrame, mine: pl.DataFrame, leading: str) -> Statement:
    """Return the number of matrices in which the leading probe reads more than each probe tested on as many numbers."""
    others = plain.filter(pl.col("probe") != leading)
    rivals = others.join(mine.select(*_PLACE, "n_values"), on=[*_PLACE, "n_values"], maintain_order="left")
    best = rivals.sort("value", descending=True, maintain_order=True).group_by(_PLACE, maintain_order=True).first()
    joined = mine.join(best, on=_PLACE, suffix="_rival")
    first = joined.filter(pl.col("ci_low") > pl.col("ci_high_rival")).height
    return Statement(f"`{leading}`", "every other probe", {"first": first, "matrices": joined.height}, _FIRST)


def _controls(controls: pl.DataFrame, leading: str) -> Iterator[Statement]:
    if controls.height:
        yield Statement(f"`{leading}`", "", {"highest": Share(float(controls["value"].to_numpy().max()))}, _CONTROLS)


def _published(plain: pl.DataFrame) -> Iterator[Statement | str]:
    """Yield our accuracy beside each published one of the probe `sinusoidal`."""
    numbers = published("embedding_probes", plain["model"].unique()).filter(metric="accuracy")
    if numbers.is_empty():
        yield _NOT_PUBLISHED
    for row in numbers.join(plain, on=["model", "layer", "probe"], suffix="_ours").iter_rows(named=True):
        shares = {"published": Share(row["value"]), "ours": Share(row["value_ours"])}
        yield Statement(_name(row), "the published probe", {**shares, "settings": row["settings"]}, _PUBLISHED)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['model']}, {row['layer']}"
