"""Findings on one probe for all layers and contexts."""

from collections.abc import Iterator, Mapping

import polars as pl

from numprobe.tell.controls import highest_controls
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared, rows_compared
from numprobe.tell.rows import middle_rows
from numprobe.tell.section import (
    Difference,
    Grid,
    Listed,
    Part,
    Section,
    Share,
    Statement,
    cell_of,
    change_of,
    spread_out,
)
from numprobe.tell.tested import tallies
from numprobe.verdicts import Margin

_PLAIN = pl.col("control") == "none"
_EVERYWHERE = pl.col("fitted_on") == "all layers and contexts"
_CHOSEN = _EVERYWHERE & (pl.col("normalisation") == "chosen")
_MARGIN = Margin(0.05, "a loss of five numbers in a hundred would speak for another code")

_NOTE = """ONE `fourier` probe per model is fitted on all layers and on all contexts in which a number is read at its
own token; inner training numbers choose its normalisation. It is tested on numbers that it has not seen. `mixed` is the
same fit to the embeddings of the last four tokens, each turned by a fixed random rotation and added up, without a
network."""
_COST = (
    "{subject}: the mean difference to {comparison} over layers and models is {mean} points; the largest loss is "
    "{worst} points, in layer {layer} of {model}."
)
_HALVES = "By {subject}, compared with {comparison}, it is {tests}. The mean differences are {means} points."
_MIXED = (
    "{subject}: one probe of {comparison} for all contexts reads {mixed}, the model's best layer {model}; compared "
    "with {comparison}, it is {tests}."
)
_NO_CODE = (
    f"{_MIXED} The number's tokens are gathered at its last token in one format; that this is a code of the number "
    "does not follow."
)
_AT_MIDDLE = "At the middle block, by what the probe was fitted on and by the normalisation:"
_CHOICES = "{subject}: the folds chose the normalisations {shares}."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `universal_probe`."""
    table = tables["universal_probe"]
    accuracies = table.filter(pl.col("value").is_not_null(), metric="accuracy")
    differences = table.filter(_PLAIN, _CHOSEN, metric="accuracy_difference")
    parts: list[Part] = [
        _NOTE,
        spread_out(accuracies.filter(_PLAIN & _CHOSEN), ["model", "context"], "layer"),
        *_costs(independent(differences)),
        *_by_depth(independent(differences)),
        *highest_controls(
            accuracies.filter(pl.col("fitted_on").is_null() | _EVERYWHERE), ("shuffled", "untrained", "constant")
        ),
        *_mixed(accuracies.filter(_CHOSEN)),
        _AT_MIDDLE,
        _at_middle(accuracies.filter(_PLAIN)),
        *_choices(table),
    ]
    return Section("One probe for all layers and contexts (`universal_probe`)", parts)


def _costs(differences: pl.DataFrame) -> Iterator[Statement]:
    """Yield, by context, the mean difference to the layers' own probes, and the largest loss with its interval."""
    for part in differences.partition_by("context", maintain_order=True):
        worst = part.sort("value", maintain_order=True).row(0, named=True)
        numbers = {
            "mean": Difference(float(part["value"].to_numpy().mean())),
            "worst": change_of(worst),
            "layer": worst["layer"],
            "model": worst["model"],
        }
        yield Statement(f"`{part['context'][0]}`", "the layer's own probe", numbers, _COST)


def _by_depth(differences: pl.DataFrame) -> Iterator[Statement]:
    """Yield the tests of the cost in the first and in the second half of the blocks, where both have one."""
    blocks = differences.filter(pl.col("layer").str.contains(r"^\d+$"))
    blocks = blocks.with_columns(block=pl.col("layer").cast(pl.Int64))
    early = pl.col("block") * 2 <= pl.col("block").max().over("model")
    halves = {"first half": blocks.filter(early), "second half": blocks.filter(~early)}
    if all(half.height for half in halves.values()):
        tests = {name: [compared(row, _MARGIN) for row in half.iter_rows(named=True)] for name, half in halves.items()}
        means = {name: Difference(float(half["value"].to_numpy().mean())) for name, half in halves.items()}
        numbers = {"tests": Listed(tallies(tests)), "means": Listed(means)}
        yield Statement("halves of the blocks", "the layer's own probe", numbers, _HALVES)


def _mixed(chosen: pl.DataFrame) -> Iterator[Statement]:
    """Yield, by model, the tests of the model's best layer in each context against `mixed` with one probe."""
    for mixed in chosen.filter(control="mixed").partition_by("model", maintain_order=True):
        model = mixed["model"][0]
        readings = {row["context"]: row for row in mixed.iter_rows(named=True)}
        best = chosen.filter(_PLAIN, model=model).sort("value", maintain_order=True)
        own = {row["context"]: row for row in best.iter_rows(named=True)}
        tests = [rows_compared(own[name], row, _MARGIN) for name, row in readings.items() if name in own]
        tested = tallies({model: tests})[model]
        numbers = {
            "mixed": Listed({f"`{name}`": cell_of(row) for name, row in readings.items()}),
            "model": Listed({f"`{name}`": cell_of(own[name]) for name in readings if name in own}),
            "tests": tested,
        }
        no_better = tested.cases and tested.lower + tested.same == tested.cases
        yield Statement(model, "`mixed`", numbers, _NO_CODE if no_better else _MIXED)


def _at_middle(plain: pl.DataFrame) -> Grid:
    reader = pl.concat_str(["fitted_on", "normalisation"], separator=", ", ignore_nulls=True)
    return spread_out(middle_rows(plain).with_columns(reader=reader), ["model", "context"], "reader")


def _choices(table: pl.DataFrame) -> Iterator[Statement]:
    """Yield, by model, how many of the folds chose each normalisation."""
    shares = table.filter(_PLAIN, pl.col("value") > 0, metric="chosen_share")
    for part in shares.partition_by("model", maintain_order=True):
        listed = {row["normalisation"]: Share(row["value"]) for row in part.iter_rows(named=True)}
        yield Statement(part["model"][0], "", {"shares": Listed(listed, "%")}, _CHOICES)
