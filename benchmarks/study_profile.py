"""Time of a finished study, rule by rule, beside the same study made by an earlier commit.

Snakemake's records of the jobs are read; nothing runs. For a comparison, make the study, or a part of it, with both
commits on one machine that does nothing else, with the same models, and name the two: `--before FOLDER --after FOLDER`.
"""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from _bench import ROOT, finish

_SHOWN = 12
TOTAL = "all jobs"


def read_jobs(results: Path) -> pl.DataFrame:
    """One row per job: rule, output (its place below the rule), seconds, peak memory in MiB.

    Snakemake's processor time is left out: it is sampled, in the end every 30 s, and misses what comes after.
    """
    folder = results / "benchmarks"
    rows = []
    for file in sorted(folder.rglob("*.tsv")):
        measured = pl.read_csv(file, separator="\t", null_values=["NA", "-"]).row(0, named=True)
        rule, *rest = file.relative_to(folder).with_suffix("").parts
        row = {"rule": rule, "output": "/".join(rest), "seconds": measured["s"]}
        rows.append({**row, "peak": measured["max_rss"]})
    columns = {"rule": pl.String, "output": pl.String, "seconds": pl.Float64, "peak": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def by_rule(jobs: pl.DataFrame) -> pl.DataFrame:
    """Sums over the jobs of a rule, the longest first."""
    sums = (pl.len().alias("jobs"), pl.col("seconds").sum(), pl.col("peak").max())
    return jobs.group_by("rule", maintain_order=True).agg(*sums).sort("seconds", descending=True)


def compared(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The jobs that both studies have, with the earlier seconds as `earlier`."""
    earlier = before.select("rule", "output", pl.col("seconds").alias("earlier"))
    return now.join(earlier, on=["rule", "output"], how="inner", maintain_order="left")


def table(now: pl.DataFrame, both: pl.DataFrame) -> list[dict[str, object]]:
    """A row per rule and one for all; where a rule has jobs in both studies, their time then and now."""
    earlier = _earlier(both)
    rules = by_rule(now).rows(named=True)
    sums = {"rule": TOTAL, "jobs": now.height, "seconds": now["seconds"].sum()}
    rows = [
        *rules[:_SHOWN],
        *([_others(rules[_SHOWN:])] if rules[_SHOWN:] else []),
        {**sums, "peak": now["peak"].max()},
    ]
    return [_row(row, float(sums["seconds"]), earlier) for row in rows]


def _row(row: Mapping[str, Any], total: float, earlier: Mapping[str, tuple[float, float]]) -> dict[str, object]:
    found = {
        "rule": row["rule"],
        "jobs": row["jobs"],
        "seconds": float(row["seconds"]),
        "share": f"{row['seconds'] / total:.0%}",
        "peak MiB": float(row["peak"] or 0),
    }
    if not earlier:
        return found
    then, now = earlier.get(row["rule"], ("", ""))
    return {**found, "before, same jobs": then, "now, same jobs": now}


def _others(rules: list[dict[str, object]]) -> dict[str, object]:
    rest = pl.DataFrame(rules)
    sums = {name: rest[name].sum() for name in ("jobs", "seconds")}
    return {"rule": f"{rest.height} other rules", **sums, "peak": rest["peak"].max()}


def _earlier(both: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Rule -> seconds before and now of the jobs that both studies have."""
    if both.is_empty():
        return {}
    sums = both.group_by("rule", maintain_order=True).agg(pl.col("earlier", "seconds").sum())
    found = {rule: (earlier, seconds) for rule, earlier, seconds in sums.iter_rows()}
    return found | {TOTAL: (both["earlier"].sum(), both["seconds"].sum())}


def draw(figure: Figure, now: pl.DataFrame, earlier: Mapping[str, tuple[float, float]]) -> None:
    """Seconds of the longest rules; then and now where both are known."""
    rules = by_rule(now).head(_SHOWN)
    if earlier:
        rules = rules.filter(pl.col("rule").is_in(list(earlier)))
    names = rules["rule"].to_list()[::-1]
    axes = figure.subplots()
    places = range(len(names))
    if earlier:
        axes.barh([y + 0.2 for y in places], [earlier[n][0] for n in names], 0.4, color="#999999", label="before")
        axes.barh([y - 0.2 for y in places], [earlier[n][1] for n in names], 0.4, color="#0072B2", label="now")
        axes.legend()
    else:
        axes.barh(list(places), rules["seconds"].to_list()[::-1], color="#0072B2")
    axes.set_yticks(list(places), names)
    axes.set_xlabel("seconds, all jobs of the rule added up")


def main(results: Path, before: Path | None, after: Path, label: str) -> None:
    """Print and write the profile."""
    now = read_jobs(results)
    if now.is_empty():
        print(f"{results} holds no finished study (make): its profile is left out")
        return
    both = compared(read_jobs(after), read_jobs(before)) if before else now.clear().with_columns(earlier=pl.lit(0.0))
    earlier = _earlier(both)
    notes: dict[str, object] = {
        "summary": (
            f"Seconds that the {now.height:,} jobs of the study in `{results.name}/` took, added up over the jobs of a"
            " rule; with two cores about two run at a time. Each includes the start of its process."
        )
    }
    if earlier:
        then, today = earlier[TOTAL]
        notes["before"] = f"{label}; the {both.height:,} jobs that both have take {today / then:.2f} x as long now"
    finish("study_profile", table(now, both), [], notes, partial(draw, now=now, earlier=earlier))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="a finished study")
    parser.add_argument("--before", type=Path, help="results of the same study, made by an earlier commit")
    parser.add_argument("--after", type=Path, help="what to compare them with; the study itself, if left out")
    parser.add_argument("--label", default="an earlier commit", help="which commit made the earlier results")
    options = parser.parse_args()
    main(options.results, options.before, options.after or options.results, options.label)
