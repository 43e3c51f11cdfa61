"""Do models err more on operands that are read badly? Error rates by decodability, raw and against matched operands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import rankdata

from numprobe.experiments.given import Given
from numprobe.experiments.operand_precision.decodability import decodability
from numprobe.experiments.operand_precision.pairs import pairs_of
from numprobe.intervals import prompt_accuracy_interval, resampling_weights
from numprobe.measure.outcomes import subsets
from numprobe.probes.probe import Probe, load_probe
from numprobe.seeding import derive_seed, generator
from numprobe.status import not_applicable
from numprobe.tables import Row, read_table

#: Columns that the table adds to `numprobe.tables.MEASUREMENT`.
COLUMNS = {"numbers": pl.String, "p_value": pl.Float64}
#: Prompts of which all three numbers are read correctly, and of which some is not.
DECODABLE, SOME_NOT = "all decodable", "some non-decodable"
#: Prompts of a number that is not read correctly, and the same prompts of numbers that are.
OPERAND, CONTROL = "non-decodable operand", "matched control"
#: Decodable numbers that stand in for a number that is not, at most.
NEIGHBOURS = 4
_NUMBERS = "numbers (bootstrap)"
_WITH_CONTROLS = "numbers and their controls (pigeonhole bootstrap)"
_PERMUTED = "permutations among numbers with as many digits"
#: With fewer numbers there is no correlation.
FEWEST = 10
_EMBEDDING = "embedding"
_INVOLVED = ("number", "partner", "result")


def evaluate_operand_precision(given: Given) -> None:
    """Write the table of a model: error rates by how well the operands are read."""
    errors = crossed_errors(pairs_of(given), read_table(given.file("answers"), ["number"]))
    readers = zip(given.folders("states"), map(load_probe, given.inputs["readers"]), strict=True)
    vocabulary = given.folder("vocabulary"), [load_probe(path) for path in given.inputs["probes"]]
    effort = given.values["permutations"], given.values["resamples"], given.values["seed"]
    rows = precision_rows(errors, vocabulary, list(readers), *effort)
    given.write_rows(rows, COLUMNS)


def crossed_errors(pairs: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of a model to crossed pairs.

    Parameters
    ----------
    pairs
        `numprobe.experiments.operand_precision.pairs.crossed_pairs`.
    answers
        The answers to their prompts (`numprobe.answers.table.ANSWER`); prompts may be missing.

    Returns
    -------
    The pairs that were answered, with `result`, `wrong` (bool) and `stratum`: numbers with as many digits in one half
    of the range, which all met the same partners.
    """
    # In the pairs, `number` is the operand in question; in the answers, the true result.
    asked = answers.select("prompt", "right", result="number")
    joined = pairs.with_row_index("prompt").join(asked, on="prompt")
    digits = pl.col("number").cast(pl.String).str.len_chars()
    return joined.select(
        *pairs.columns,
        "result",
        (~pl.col("right")).alias("wrong"),
        pl.format("{} {}", digits, pl.col("upper")).alias("stratum"),
    )


def precision_rows(
    errors: pl.DataFrame,
    vocabulary: tuple[str | Path, Sequence[Probe]],
    contexts: Sequence[tuple[str | Path, Probe]],
    permutations: int,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Return all measurements of a model.

    Parameters
    ----------
    errors
        `crossed_errors`.
    vocabulary
        Folder of the embedding matrices, and probes that were fitted there. Each says which numbers it cannot read;
        `fourier`, which is among them, also how precisely it reads them.
    contexts
        Folders of contexts in which numbers are read at their own token, each with its `fourier` probe.
    permutations, resamples, seed
        As `graded_rows`.

    Returns
    -------
    Rows as `group_rows` and `graded_rows`, with `context`, `layer` and `probe`: where which probe read the numbers.
    """
    folder, probes = vocabulary
    found = []
    for probe in probes:
        read = decodability(folder, probe, [_EMBEDDING])
        names = {"context": probe.metadata["context"], "layer": _EMBEDDING, "probe": probe.kind}
        found += [{**names, **row} for row in group_rows(errors, read, resamples, seed)]
    graded = [(folder, probe, [_EMBEDDING]) for probe in probes if probe.kind == "fourier"]
    for folder, probe, layers in [*graded, *((folder, probe, list(probe.layers)) for folder, probe in contexts)]:
        for layer in layers:
            read = decodability(folder, probe, [layer])
            names = {"context": probe.metadata["context"], "layer": layer, "probe": probe.kind}
            found += [{**names, **row} for row in graded_rows(errors, read, permutations, resamples, seed)]
    return found


def group_rows(errors: pl.DataFrame, read: pl.DataFrame, resamples: int, seed: int) -> list[Row]:
    """Return error rates by whether a probe reads the numbers of a prompt, raw and against matched operands.

    Parameters
    ----------
    errors
        `crossed_errors`.
    read
        `number` and `decodable` of the numbers that the probe was tested on.
    resamples, seed
        Of the bootstrap over numbers (the operands in question).

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `COLUMNS`. `non_decodable`: share of the tested numbers that are
    misread. Over all prompts and by operation: `error_rate` of the prompts of which operands and result are all
    decodable, and of those with a number that is not; `error_difference`, the second minus the first. `error_rate` of
    the prompts with a non-decodable operand in question, and of the same prompts with the nearest decodable numbers of
    its stratum in its place (`NEIGHBOURS` at most); `matched_difference`, the mean over the non-decodable numbers of
    the difference between the two.
    """
    missed = float((~read["decodable"]).sum())
    rows: list[Row] = [
        {"metric": "non_decodable", "value": missed / read.height, "n_values": read.height, "seed": seed}
    ]
    if not missed:
        return [*rows, _without("every number is read")]
    matched = _matched(errors, read)
    for subset, some in subsets(errors):
        part = errors.filter(some)
        rows += [{"subset": subset, **row} for row in _raw(part, read, resamples, seed)]
        pairs = matched.filter(pl.col("operation").is_in(part["operation"].unique().implode()))
        rows += [{"subset": subset, **row} for row in _against_controls(pairs, resamples, seed)]
    return rows


def graded_rows(errors: pl.DataFrame, read: pl.DataFrame, permutations: int, resamples: int, seed: int) -> list[Row]:
    """Return tests of whether numbers read with less certainty are operands of more errors.

    Parameters
    ----------
    errors
        `crossed_errors`.
    read
        `number` and `log_probability` (`numprobe.experiments.operand_precision.decodability`).
    permutations
        Draws of the null.
    resamples, seed
        Of the bootstrap over numbers.

    Returns
    -------
    Rows as `group_rows`. `error_correlation`: Spearman's correlation over numbers of `log_probability` and the error
    rate as an operand, below 0 where imprecision goes with errors. `error_correlation_matched`: the same of the ranks
    within each stratum. Control `shuffled`: mean and 95 % range of permutations of the numbers within each stratum;
    `p_value` counts the draws that are at least as far from their mean.
    """
    rows = []
    for subset, some in subsets(errors):
        part = errors.filter(some)
        rates = part.group_by("number", "stratum").agg(pl.col("wrong").mean().alias("rate"), pl.len().alias("prompts"))
        table = rates.join(read, on="number").sort("number")
        rows += [{"subset": subset, **row} for row in _correlations(table, permutations, resamples, seed)]
    return rows


def _raw(errors: pl.DataFrame, read: pl.DataFrame, resamples: int, seed: int) -> Iterator[Row]:
    """Yield raw rates; numbers that the probe was not tested on count for neither group unless another is misread."""
    known = dict(read.select("number", "decodable").iter_rows())
    status = [errors[name].replace_strict(known, default=None, return_dtype=pl.Boolean) for name in _INVOLVED]
    right = np.all([one.fill_null(False) for one in status], axis=0)
    wrong = np.any([~one.fill_null(True) for one in status], axis=0)
    groups = {DECODABLE: errors.filter(right), SOME_NOT: errors.filter(wrong)}
    if any(group.is_empty() for group in groups.values()):
        return
    for name, group in groups.items():
        interval = prompt_accuracy_interval(group["number"].to_numpy(), group["wrong"].to_numpy())
        yield {"metric": "error_rate", "numbers": name, **interval.columns("numbers"), "seed": seed}
    yield {"metric": "error_difference", "numbers": SOME_NOT, **_difference(groups, resamples, seed)}


def _difference(groups: Mapping[str, pl.DataFrame], resamples: int, seed: int) -> Row:
    """Return the difference of the error rates of two groups; a resample draws numbers, with their prompts of both."""
    counts = [group.group_by("number").agg(pl.col("wrong").sum(), pl.len().alias("all")) for group in groups.values()]
    joined = counts[0].join(counts[1], on="number", how="full", coalesce=True).fill_null(0).sort("number")
    sums = joined.drop("number").to_numpy().astype(np.float64)
    weights = np.vstack([np.ones(len(sums)), resampling_weights(len(sums), resamples, seed)])
    wrong, count, wrong_some, count_some = (weights @ sums).T
    # A resample without a number of one of the groups has no difference.
    usable = (count > 0) & (count_some > 0)
    draws = wrong_some[usable] / count_some[usable] - wrong[usable] / count[usable]
    size = {"n_values": len(sums), "n_prompts": int(sums[:, [1, 3]].sum()), "seed": seed}
    if min(len(group) for group in counts) < 2:
        return {"value": float(draws[0]), **size}
    return {"value": float(draws[0]), **_range(draws[1:], draws[0]), "resampled": _NUMBERS, **size}


def _matched(errors: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Return prompts of non-decodable numbers beside the same prompts of their controls, which adds two columns."""
    strata = errors.select("number", "stratum").unique().join(read.select("number", "decodable"), on="number")
    missed, there = (strata.filter(pl.col("decodable") == value).drop("decodable") for value in (False, True))
    pairs = missed.join(there.rename({"number": "control"}), on="stratum")
    distance = (pl.col("control") - pl.col("number")).abs()
    nearest = pairs.sort("number", distance, "control").group_by("number", maintain_order=True).head(NEIGHBOURS)
    same = ["partner", "operation", "first"]
    prompts = errors.join(nearest.select("number", "control"), on="number")
    control = errors.select(pl.col("number").alias("control"), *same, pl.col("wrong").alias("control_wrong"))
    return prompts.join(control, on=["control", *same])


def _against_controls(matched: pl.DataFrame, resamples: int, seed: int) -> Iterator[Row]:
    if matched.is_empty():
        yield _without("no decodable number has as many digits", "matched_difference")
        return
    wrong = pl.col("wrong", "control_wrong").cast(pl.Float64).mean()
    pairs = matched.group_by("number", "control").agg(wrong).sort("number", "control")
    prompts = matched.select(pl.struct("number", "partner", "operation", "first").n_unique()).item()
    operand, control = (pairs[name].to_numpy() for name in ("wrong", "control_wrong"))
    size = {"n_values": pairs["number"].n_unique(), "n_prompts": prompts, "seed": seed}
    for metric, name, scores in (
        ("error_rate", OPERAND, operand),
        ("error_rate", CONTROL, control),
        ("matched_difference", OPERAND, operand - control),
    ):
        found = _pigeonhole(pairs["number"].to_numpy(), pairs["control"].to_numpy(), scores, resamples, seed)
        yield {"metric": metric, "numbers": name, **found, **size}


def _pigeonhole(numbers: np.ndarray, controls: np.ndarray, scores: np.ndarray, resamples: int, seed: int) -> Row:
    """Return the mean over the numbers of the mean over their controls, and its interval.

    Numbers share controls, so both are resampled (Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1).
    Where all scores are equal, or there is one number, a bootstrap says nothing.
    """
    present, place = np.unique(numbers, return_inverse=True)
    others, other = np.unique(controls, return_inverse=True)
    share = np.zeros((len(present), len(others)))
    share[place, other] = 1 / np.bincount(place)[place]
    scored = np.zeros_like(share)
    scored[place, other] = share[place, other] * scores
    value = float(scored.sum() / share.sum())
    if len(present) < 2 or np.ptp(scores) == 0:
        return {"value": value}
    first = resampling_weights(len(present), resamples, seed)
    second = resampling_weights(len(others), resamples, derive_seed(seed, "controls"))
    total, weight = ((first * (second @ matrix.T)).sum(axis=1) for matrix in (scored, share))
    draws = total[weight > 0] / weight[weight > 0]
    return {"value": value, **_range(draws, value), "resampled": _WITH_CONTROLS}


def _correlations(table: pl.DataFrame, permutations: int, resamples: int, seed: int) -> Iterator[Row]:
    likely, rate = table["log_probability"].to_numpy(), table["rate"].to_numpy()
    strata = table["stratum"].rank("dense").to_numpy()
    size = {"n_values": table.height, "n_prompts": int(table["prompts"].sum()), "seed": seed}
    whole = np.zeros(len(strata), dtype=np.int64)
    for metric, groups in (("error_correlation", whole), ("error_correlation_matched", strata)):
        first, second = _ranks(likely, groups), _ranks(rate, groups)
        if table.height < FEWEST or not first.any() or not second.any():
            yield _without("errors or precision do not vary", metric)
            continue
        value = float(_pearson(np.ones((1, len(first))), first, second)[0])
        draws = _pearson(resampling_weights(len(first), resamples, seed), first, second)
        null = _null(first, second, strata, permutations, seed)
        extreme = np.abs(null - null.mean()) >= abs(value - null.mean())
        tested = {"p_value": float((1 + extreme.sum()) / (1 + permutations))}
        yield {"metric": metric, "value": value, **_range(draws, value), "resampled": _NUMBERS, **tested, **size}
        mean = float(null.mean())
        shuffled = {"value": mean, **_range(null, mean), "resampled": _PERMUTED}
        yield {"metric": metric, "control": "shuffled", **shuffled, **size}


def _ranks(scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return ranks within each group, centred, in units of its size: float64 [n], all 0 where nothing differs."""
    ranks = np.zeros(len(scores))
    for group in np.unique(groups):
        here = groups == group
        ranks[here] = (rankdata(scores[here]) - (here.sum() + 1) / 2) / here.sum()
    return ranks


def _pearson(weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of `first` and `second` [n] under each row of weights [draws, n]."""
    total = weights.sum(axis=1)
    mean = {name: weights @ values / total for name, values in (("x", first), ("y", second))}
    cross, square, other = (weights @ p / total for p in (first * second, first**2, second**2))
    # A resample in which nothing differs has no correlation; its variance may be below 0 by rounding.
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt((square - mean["x"] ** 2) * (other - mean["y"] ** 2))
        return np.asarray((cross - mean["x"] * mean["y"]) / spread)


def _null(first: np.ndarray, second: np.ndarray, strata: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Return correlations after permutations of `first` within each stratum, float64 [permutations]."""
    random, ordered = generator(seed, "operand precision", len(first)), np.argsort(strata, kind="stable")
    x, y = first - first.mean(), second - second.mean()
    null = np.empty(permutations)
    for draw in range(permutations):
        null[draw] = x[np.lexsort((random.random(len(x)), strata))] @ y[ordered]
    return np.asarray(null / np.sqrt((x @ x) * (y @ y)))


def _range(draws: np.ndarray, value: float) -> Row:
    """Return the range of 95 % of the draws, widened to hold the value."""
    low, high = np.quantile(draws[np.isfinite(draws)], (0.025, 0.975))
    return {"ci_low": min(float(low), value), "ci_high": max(float(high), value)}


def _without(reason: str, metric: str = "error_difference") -> Row:
    return {"metric": metric, **not_applicable(reason)}
