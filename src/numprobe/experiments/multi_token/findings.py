"""Numbers of several tokens, and the tokens before the present one."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared, rows_compared
from numprobe.tell.section import (
    Grid,
    Listed,
    Section,
    Share,
    Statement,
    beside,
    cell_of,
    cells_of,
    change_of,
    reasons_of,
    spread_out,
)
from numprobe.tell.tested import tallies
from numprobe.verdicts import Margin

_JOINT, _PRODUCT, _GAP = "joint_accuracy", "product_accuracy", "joint_minus_product"
_READERS = {"fourier": "fourier probe", "embedding": "embedding probe", "lens": "tuned lens", "constant": "constant"}
# Of the controls of preceding tokens, those of the readers that are compared.
_TELLING = ("fourier", "lens")
_INDEX = ["model", "context", "tokens"]
_WHOLE = Margin(0.02, "two numbers in a hundred")
_READING = Margin(0.05, "five numbers in a hundred")

_METHOD = """One state is read for all tokens of a number. Each fold chooses layer and position (the number's last
token, or the one after it) on training values. The formats are `first`: "N + B =", `second`: "A+N=" and `bare`: "N",
where N is read. A whole number counts if all its tokens are right. The product of the tokens' accuracies is the
accuracy of whole numbers if the tokens fail independently."""
_PRECEDING = """Tokens before the present one, in sequences of random tokens (0: the token itself; one split, tokens
that no reader has seen). All readers have the same rows and candidates; `fourier` is defined for numbers alone."""
_INDEPENDENT = (
    "For numbers of two tokens or more, the accuracy of whole numbers compared with {comparison} is {tests}. Where it "
    "is higher, tokens of one number are lost together; where it is lower, one token tends to be read where the other "
    "is not."
)
_BEST = (
    "The highest accuracy of whole numbers by number of tokens, over {subject}, is {best}; {comparison} gives 100, 91, "
    "67 and 5 % for one to four tokens of Llama-3.1-8B, as products."
)
_LIKENESS = (
    "For numbers before the present token, {subject} compared with {comparison} is {tests}. The paper gives 50 and 2 % "
    "for the lens one and two tokens back, and 100 and 91 % for the probe, but from another model, other prompts, and "
    "as products of accuracies."
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the tables `multi_token` and, where the study has causal models, `preceding`."""
    table = tables["multi_token"]
    parts = [_METHOD, *_whole_numbers(table), *reasons_of(table)]
    if "preceding" in tables:
        preceding = tables["preceding"]
        parts += [_PRECEDING, *_preceding(preceding), *reasons_of(preceding)]
    return Section("Numbers of several tokens", parts)


def _whole_numbers(table: pl.DataFrame) -> Iterator[Grid | Statement]:
    chosen = table.filter(position="selected", subset="all")
    plain, controls = (chosen.filter(part) for part in (pl.col("control") == "none", pl.col("control") != "none"))
    columns = {
        "whole number": cells_of(plain.filter(metric=_JOINT), _INDEX),
        "product of tokens": cells_of(plain.filter(metric=_PRODUCT), _INDEX),
        "difference": cells_of(plain.filter(metric=_GAP), _INDEX, change_of),
    }
    joint = controls.filter(metric=_JOINT)
    names = joint["control"].unique(maintain_order=True)
    yield beside(_INDEX, columns | {name: cells_of(joint.filter(control=name), _INDEX, cell_of) for name in names})
    counted = independent(plain)
    yield _independence(counted.filter(metric=_GAP))
    yield _best(counted.filter(metric=_JOINT))


def _independence(gaps: pl.DataFrame) -> Statement:
    """Return the tests of the accuracy of whole numbers against the product of the tokens' accuracies."""
    several = gaps.filter(pl.col("tokens") > 1)
    tested = tallies({"cases": [compared(row, _WHOLE) for row in several.iter_rows(named=True)]})
    numbers = {"tests": tested["cases"]}
    return Statement("all models", "the product of the tokens' accuracies", numbers, _INDEPENDENT)


def _best(joint: pl.DataFrame) -> Statement:
    """Return the accuracy of the best model by number of tokens."""
    highest = joint.group_by("tokens").agg(pl.col("value").max()).sort("tokens")
    shares: dict[str, Any] = {f"{n} token{'s' * (n > 1)}": Share(value) for n, value in highest.iter_rows()}
    return Statement("all models", "the paper", {"best": Listed(shares, "%")}, _BEST)


def _preceding(table: pl.DataFrame) -> Iterator[Grid | Statement]:
    measured = table.filter(pl.col("value").is_not_null(), metric="accuracy")
    name = pl.col("reader").replace(_READERS)
    plain = measured.filter(pl.col("control").is_in(["none", "constant"]))
    controls = measured.filter(pl.col("control").is_in(["shuffled", "untrained"]) & pl.col("reader").is_in(_TELLING))
    named = [plain.with_columns(reader=name), controls.with_columns(reader=pl.col("control") + " " + name)]
    yield spread_out(pl.concat(named), ["model", "layer", "kind", "offset"], "reader")
    yield from _likeness(independent(plain))


def _likeness(plain: pl.DataFrame) -> Iterator[Statement]:
    """Yield the tests of the probe of numbers against the lens."""
    numbers = plain.filter(pl.col("offset") > 0, kind="numbers")
    key = ["model", "layer", "offset"]
    pairs = numbers.filter(reader="fourier").join(numbers.filter(reader="lens"), on=key)
    if pairs.height:
        tests = [
            rows_compared(row, {name: row[f"{name}_right"] for name in ("value", "ci_low", "ci_high")}, _READING)
            for row in pairs.iter_rows(named=True)
        ]
        found = {"tests": tallies({"cases": tests})["cases"]}
        yield Statement("the fourier probe", "the tuned lens", found, _LIKENESS)
