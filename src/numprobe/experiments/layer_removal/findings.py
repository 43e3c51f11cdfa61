"""Layer removal: what one removal, chosen beforehand, repairs and harms, beside what an oracle would repair."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.prompts.templates import RESULTS
from numprobe.tell.markdown import cell, per_cent
from numprobe.tell.markdown import table as markdown

_HEADING = """## Does removing a part of the model repair its answers? (`layer_removal`)

Every block is left out in turn, as a whole or with its attention or its MLP alone. Half of the true results choose the
one removal that gains most (nothing at all is a candidate too); the table is about the other half. `repaired`: share of
the wrong answers that become right; `harmed`: share of the right answers that become wrong.
"""
_ORACLE = """With the truth at hand, the best removal could be taken for every single prompt. That is an upper bound,
not a repair: of so many altered models some hit the truth by luck. Luck is measured by `2 answer - truth`, a wrong
number as far from the answer as the truth is; the last two columns are about the wrong answers for which that number is
in the range of the results. `harmed`: right answers that some removal makes wrong.
"""
_EFFECT = {"accuracy_before": "right before", "accuracy_after": "right after", "accuracy_change": "change"}
_EFFECT |= {"repaired": "repaired", "harmed": "harmed"}
#: Column -> metric, site, control.
_BOUNDS = {
    "some block repairs": ("oracle_repaired", "block", "none"),
    "some removal repairs": ("oracle_repaired", "any", "none"),
    "harmed": ("oracle_harmed", "any", "none"),
    "truth reached": ("oracle_reached", "any", "none"),
    "`2 answer - truth` reached": ("oracle_reached", "any", "mirrored"),
}


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `layer_removal`.

    Parameters
    ----------
    tables
        The collected tables; `layer_removal` is read.
    """
    table = tables["layer_removal"].filter((pl.col("part") == "test") & pl.col("value").is_not_null())
    chosen = table.filter(pl.col("chosen"))
    parts = [_HEADING, _chosen_table(chosen), _ORACLE, _oracle_table(table), _sentence(chosen, table)]
    return "\n".join(parts)


def _runs(table: pl.DataFrame) -> Iterator[tuple[list[str], pl.DataFrame]]:
    """Yield model (with the context, where there are several) and operation, with their rows."""
    several = table["context"].n_unique() > 1
    for run in table.partition_by("model", "context", maintain_order=True):
        name = f"{run['model'][0]} ({run['context'][0]})" if several else run["model"][0]
        for subset in ("all", *(f"operation={operation}" for operation in RESULTS)):
            part = run.filter(pl.col("subset") == subset)
            if part.height:
                yield [name, f"`{subset.removeprefix('operation=')}`"], part


def _chosen_table(chosen: pl.DataFrame) -> str:
    def lines() -> Iterator[list[str]]:
        for names, run in _runs(chosen):
            cells = {row["metric"]: cell(row) for row in run.iter_rows(named=True)}
            yield [*names, _removal(run.row(0, named=True)), *(cells.get(metric, "") for metric in _EFFECT)]

    return markdown(["model", "operation", "chosen", *_EFFECT.values()], list(lines()))


def _removal(row: Mapping[str, Any]) -> str:
    return "nothing" if row["site"] == "none" else f"{row['site']} {row['layer']}".replace("mlp", "MLP")


def _oracle_table(table: pl.DataFrame) -> str:
    def lines() -> Iterator[list[str]]:
        for names, run in _runs(table.filter(pl.col("metric").str.starts_with("oracle_"))):
            cells = {(row["metric"], row["site"], row["control"]): cell(row) for row in run.iter_rows(named=True)}
            yield [*names, *(cells.get(key, "") for key in _BOUNDS.values())]

    return markdown(["model", "operation", *_BOUNDS], list(lines()))


def _sentence(chosen: pl.DataFrame, table: pl.DataFrame) -> str:
    """Say what the results of the single operations mean."""
    operations = pl.col("subset") != "all"
    change = chosen.filter(operations & (pl.col("metric") == "accuracy_change"))
    tried = change.filter(pl.col("site") != "none")
    gained = tried.filter(pl.col("ci_low") > 0)
    text = f"- Nothing is chosen in {change.height - tried.height} of {change.height} cases (models and operations)."
    if tried.height:
        most = f", at most {per_cent(gained['value'].max())} points" if gained.height else ""
        text += (
            " Where something is, the gain on the test prompts lies above 0 with its whole interval in "
            f"{gained.height} of {tried.height}{most}."
        )
    return "\n".join([text, _luck(table.filter(operations)), _meaning(gained, change.height), ""])


def _luck(table: pl.DataFrame) -> str:
    """Say what an oracle and luck reach, on the prompts that have both."""
    reached = table.filter((pl.col("metric") == "oracle_reached") & (pl.col("site") == "any"))
    counted = reached.group_by("control").agg((pl.col("value") * pl.col("n_prompts")).sum(), pl.col("n_prompts").sum())
    share = {control: value / count for control, value, count in counted.iter_rows()}
    if not share:
        return "- There are too few wrong answers for an oracle."
    return (
        f"- Over all cases an oracle would reach the truth of {per_cent(share['none'])} % of the wrong answers, and "
        f"`2 answer - truth` of {per_cent(share['mirrored'])} %: only the difference speaks of truths that "
        "a part hides."
    )


def _meaning(gained: pl.DataFrame, cases: int) -> str:
    if gained.is_empty():
        return "- For a model builder: no part of these models can be taken out to mend their arithmetic."
    where = ", ".join(
        f"{_removal(row)} of {row['model']} for `{row['subset'].removeprefix('operation=')}`"
        for row in gained.iter_rows(named=True)
    )
    return (
        f"- For a model builder: in {gained.height} of {cases} cases one part can be left out with a net gain on "
        f"unseen results ({where}); elsewhere taking a part out mends nothing."
    )
