"""Measure how often the intervals that the project reports hold the truth, and write the table of docs/statistics.md.

python tests/interval_coverage.py [--sets N] [--page docs/statistics.md]
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from numprobe.experiments.composition.common_variance import common, signal
from numprobe.experiments.consistency.kernels import centre, similarity
from numprobe.experiments.multi_token.pigeonhole import whole_numbers
from numprobe.experiments.sample_efficiency.fits import ACCURACY, Reading
from numprobe.experiments.sample_efficiency.summary import ACCURACY_LEAD, order_interval
from numprobe.intervals import (
    Interval,
    accuracy_interval,
    change_interval,
    mean_interval,
    prompt_accuracy_interval,
    prompt_change_interval,
    r2_interval,
)
from numprobe.measure.auc import auc_interval, auc_lead_interval
from numprobe.measure.separability import kappa_interval
from numprobe.measure.similarity import bootstrap_agreement, dissimilarity, graded
from numprobe.training_interval import training_interval

SEED = 16
RESAMPLES = 1000
#: Between these lines of a page stands the table.
BEGIN, END = "<!-- coverage -->", "<!-- end of coverage -->"
_TAIL = float(norm.ppf(0.975))
#: Few outcomes are possible, so that no interval can be close to 95 %; or the method is known to be too wide.
DISCRETE, CONSERVATIVE = "discrete", "conservative"

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """A kind of interval, and sets of data in which the truth is known.

    Attributes
    ----------
    metric
        The metrics with this interval.
    data
        The sets, in words.
    truth
        Computes the value that the interval should hold in 95 of 100 sets.
    draw
        A generator -> the bounds of one set, and the width of a percentile bootstrap over the same numbers if it is
        cheap to know (its normal approximation), else NaN.
    sets
        Sets to draw.
    wide
        Why it may cover more than 98.5 %: `DISCRETE` or `CONSERVATIVE`; empty if it may not.
    """

    metric: str
    data: str
    truth: Callable[[], float]
    draw: Callable[[np.random.Generator], tuple[float, float, float]]
    sets: int = 2000
    wide: str = ""


@dataclass(frozen=True)
class Coverage:
    """What was measured of a case: sets, share of intervals that hold the truth, misses on either side, mean width."""

    case: Case
    sets: int
    held: float
    below: float
    above: float
    width: float
    rival: float


def measure(case: Case, sets: int, seed: int = SEED) -> Coverage:
    """Draw the sets of a case and count.

    Parameters
    ----------
    case
        The case.
    sets
        At most these many sets.
    seed
        Seed of the sets; the same in every case.
    """
    rng = np.random.default_rng(seed)
    found = np.array([case.draw(rng) for _ in range(min(sets, case.sets))])
    low, high, truth = found[:, 0], found[:, 1], case.truth()
    below, above = float((high < truth).mean()), float((low > truth).mean())
    return Coverage(
        case, len(found), 1 - below - above, below, above, float((high - low).mean()), float(found[:, 2].mean())
    )


def cases() -> list[Case]:
    """Return all cases."""
    return [
        *_shares(),
        *_changes(),
        *_areas(),
        *_means(),
        *_similarities(),
        *_others(),
        *_trainings(),
        *_orders(),
        _whole_numbers(),
    ]


def _shares() -> list[Case]:
    one = [
        _share(0.999, 1000, 8, 0.3, wide=DISCRETE),
        _share(0.999, 1000, 8, 1.0, wide=DISCRETE),
        _share(0.9995, 1000, 8, 0.3, wide=DISCRETE),
        _share(0.99, 100, 8, 0.3, wide=DISCRETE),
        _share(0.98, 55, 8, 0.3, wide=DISCRETE),
        _share(0.98, 55, 8, 0.9, wide=DISCRETE),
        _share(0.9, 1000, 8, 0.3),
        _share(0.7, 1000, 1, 1.0),
        _share(0.5, 1000, 8, 0.1),
        _share(0.5, 200, 8, 0.3),
        _share(0.1, 100, 4, 0.3),
        _share(0.001, 1000, 8, 0.3, wide=DISCRETE),
    ]
    return [*one, _uneven(0.3, 300), _uneven(0.98, 300, wide=DISCRETE)]


def _share(share: float, numbers: int, rows: int, alike: float, wide: str = "") -> Case:
    values = np.repeat(np.arange(numbers), rows)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        right = rng.random((numbers, rows)) < _fates(rng, share, numbers, alike)[:, None]
        return _of(accuracy_interval(values, right.ravel()), right.mean(axis=1))

    data = f"{numbers:,} numbers x {rows} rows, {share:.2%} right, correlation {alike:g} within a number"
    return Case("accuracy", data, lambda: share, draw, wide=wide)


def _uneven(share: float, numbers: int, wide: str = "") -> Case:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        rows = rng.integers(1, 9, numbers)
        values = np.repeat(np.arange(numbers), rows)
        right = rng.random(len(values)) < np.repeat(_fates(rng, share, numbers, 0.3), rows)
        return *_bounds(prompt_accuracy_interval(values, right)), np.nan

    data = f"{numbers} results x 1 to 8 prompts, {share:.0%} right, correlation 0.3"
    return Case("accuracy over prompts", data, lambda: share, draw, wide=wide)


def _changes() -> list[Case]:
    return [
        _uneven_change(prompt_change_interval, "prompts"),
        _uneven_change(change_interval, "numbers"),
        _change(400, 1, 0.002, 0.0, 0.0, wide=DISCRETE),
        _change(400, 1, 0.005, 0.0, 0.0, wide=DISCRETE),
        _change(100, 4, 0.006, 0.001, 0.3, wide=DISCRETE),
        _change(100, 4, 0.06, 0.01, 0.3),
        _change(100, 4, 0.2, 0.15, 0.3),
        _change(400, 1, 0.0, 0.0, 0.0, wide=DISCRETE),
    ]


def _change(results: int, rows: int, gained: float, lost: float, alike: float, wide: str = "") -> Case:
    values = np.repeat(np.arange(results), rows)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        kinds = np.array([gained, lost, 1 - gained - lost])
        if alike:
            sizes = rng.gamma(np.maximum(kinds * (1 - alike) / alike, 1e-9), 1, (results, 3))
            kinds = sizes / sizes.sum(axis=1, keepdims=True)
        limits = np.repeat(np.broadcast_to(kinds, (results, 3)), rows, axis=0).cumsum(axis=1)
        dice = rng.random(results * rows)
        up, down = dice < limits[:, 0], (dice >= limits[:, 0]) & (dice < limits[:, 1])
        before = np.where(up | down, down, dice > 0.99)
        after = np.where(up | down, up, before)
        change = (up.astype(float) - down).reshape(results, rows).mean(axis=1)
        return _of(prompt_change_interval(values, before, after), change)

    data = f"{results * rows} prompts of {results} results, {gained:.1%} gained, {lost:.1%} lost"
    return Case("change of accuracy", data, lambda: gained - lost, draw, wide=wide)


def _uneven_change(interval: Callable[..., Interval], weighed: str) -> Case:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        values = np.repeat(np.arange(300), rng.integers(1, 9, 300))
        before, after = (rng.random(len(values)) < _fates(rng, share, 300, 0.3)[values] for share in (0.2, 0.3))
        return *_bounds(interval(values, before, after)), np.nan

    data = f"300 numbers x 1 to 8 prompts, {weighed} weigh alike"
    return Case("change of accuracy", data, lambda: 0.1, draw)


def _areas() -> list[Case]:
    found = [
        _area(*setting) for setting in ((170, 1, 0.1, 1.4, 0.0), (100, 1, 0.1, 1.4, 0.0), (500, 1, 0.034, 2.0, 0.0))
    ]
    found += [_area(125, 4, 0.02, 1.5, 0.3), _area(125, 4, 0.2, 1.0, 0.3), _area(100, 1, 0.1, 3.0, 0.0, wide=DISCRETE)]
    return [*found, _lead(170, 0.1), _lead(300, 0.3)]


def _area(results: int, rows: int, wrong: float, gap: float, alike: float, wide: str = "") -> Case:
    values = np.repeat(np.arange(results), rows)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        positive = _wrong(rng, wrong, results, rows, alike)
        score = _scores(rng, results, rows, alike) + gap * positive
        return *_bounds(auc_interval(values, positive, score)), np.nan

    data = f"about {results * rows * wrong:.0f} wrong answers of {results * rows}, correlation {alike:g}"
    truth = float(norm.cdf(gap / np.sqrt(2)))
    return Case(f"AUC {truth:.2f}", data, lambda: truth, draw, sets=500, wide=wide)


def _lead(results: int, wrong: float) -> Case:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        positive = _wrong(rng, wrong, results, 1, 0.0)
        shared = rng.normal(size=results)
        scores = [(shared + rng.normal(size=results)) / np.sqrt(2) + gap * positive for gap in (1.5, 0.8)]
        return *_bounds(auc_lead_interval(np.arange(results), positive, *scores)), np.nan

    truth = float(norm.cdf(1.5 / np.sqrt(2)) - norm.cdf(0.8 / np.sqrt(2)))
    return Case(
        "lead of an AUC", f"about {results * wrong:.0f} wrong answers of {results}", lambda: truth, draw, sets=500
    )


def _means() -> list[Case]:
    def error(rng: np.random.Generator) -> tuple[float, float, float]:
        scores = rng.exponential(10, 1000)[:, None] + rng.exponential(10, (1000, 8))
        return *_bounds(mean_interval(np.repeat(np.arange(1000), 8), scores.ravel(), RESAMPLES, SEED)), np.nan

    def few(rng: np.random.Generator) -> tuple[float, float, float]:
        return *_bounds(mean_interval(np.arange(100), rng.exponential(20, 100), RESAMPLES, SEED)), np.nan

    def explained(rng: np.random.Generator) -> tuple[float, float, float]:
        decoded = np.arange(1000) + np.rint(rng.normal(0, 100, 1000)).astype(int)
        return *_bounds(r2_interval(np.arange(1000), decoded, RESAMPLES, SEED)), np.nan

    truth = 1 - (100**2 + 1 / 12) / ((1000**2 - 1) / 12)
    return [
        Case("mae", "1,000 numbers x 8 rows, exponential errors", lambda: 20, error),
        Case("mae", "100 numbers, exponential errors", lambda: 20, few),
        Case("r2", "1,000 numbers, normal errors", lambda: truth, explained),
    ]


def _similarities() -> list[Case]:
    mixing = np.random.default_rng(SEED).normal(size=(2, 6, 12))

    def states(rng: np.random.Generator, count: int) -> list[np.ndarray]:
        shared = rng.normal(size=(count, 6))
        return [np.hstack([shared, 0.7 * rng.normal(size=(count, 6))]) @ np.vstack([mix] * 2) / 3 for mix in mixing]

    def rsa(rng: np.random.Generator, count: int = 150) -> tuple[float, float, float]:
        pair = [graded(dissimilarity(part, "cosine"), "spearman") for part in states(rng, count)]
        return *bootstrap_agreement(*pair, RESAMPLES, SEED), np.nan

    def cka(rng: np.random.Generator, count: int = 150) -> tuple[float, float, float]:
        pair = [centre(part @ part.T) for part in states(rng, count)]
        found = similarity([(pair[0], pair[1])], RESAMPLES, SEED)
        return _known(found.low), _known(found.high), np.nan

    def truth(similar: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[], float]:
        # Of so many numbers that the error of the truth does not count.
        def large() -> float:
            rng = np.random.default_rng(SEED + 1)
            return float(np.mean([similar(*states(rng, 3000)) for _ in range(4)]))

        return large

    return [
        Case("RSA (Spearman, cosine)", "150 numbers, half of the variance shared", truth(_agreement), rsa, sets=500),
        Case("CKA", "150 numbers, half of the variance shared", truth(_alignment), cka, sets=500),
    ]


def _others() -> list[Case]:
    code = np.random.default_rng(SEED).normal(size=(200, 24))
    code -= code.mean(axis=0)

    def kappa(rng: np.random.Generator) -> tuple[float, float, float]:
        classes = rng.integers(0, 10, 500)
        predicted = np.where(rng.random(500) < 0.4, classes, rng.integers(0, 10, 500))
        return *kappa_interval(classes, predicted, RESAMPLES, SEED)[:2], np.nan

    def copies(rng: np.random.Generator) -> list[np.ndarray]:
        noisy = [code + rng.normal(size=code.shape) for _ in range(2)]
        return [part - part.mean(axis=0) for part in noisy]

    def variance(rng: np.random.Generator) -> tuple[float, float, float]:
        found = common(*copies(rng)).columns
        return found["ci_low"], found["ci_high"], np.nan

    def shared(rng: np.random.Generator) -> tuple[float, float, float]:
        drawn = rng.normal(size=(200, 24))
        noisy = [drawn + rng.normal(size=drawn.shape) for _ in range(2)]
        found = signal(*(part - part.mean(axis=0) for part in noisy)).columns
        return found["ci_low"], found["ci_high"], np.nan

    return [
        Case("kappa", "500 numbers, 10 classes", lambda: 0.4, kappa),
        Case("common variance", "200 numbers, as much noise as code", lambda: float((code**2).sum()), variance),
        Case("signal", "200 numbers drawn anew, as much noise as code", lambda: 0.5, shared),
    ]


def _trainings() -> list[Case]:
    return [_training(0.74, 0.2), _training(0.98, 0.4)]


def _training(share: float, spread: float) -> Case:
    centre = np.log(share / (1 - share))

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        true = 1 / (1 + np.exp(-rng.normal(centre, spread, 5)))
        return *training_interval(rng.binomial(1000, true) / 1000, 1000)[:2], np.nan

    data = f"5 trainings x 1,000 numbers, {share:.0%} right, logits vary by {spread:g}"
    return Case("accuracy over trainings", data, lambda: share, draw)


def _orders() -> list[Case]:
    return [_order(0.74, 0.2), _order(0.3, 0.5), _order_lead(0.05, 0.04)]


def _order(share: float, spread: float) -> Case:
    """Return sets of five orders: the chance of a number to be read correctly varies with the numbers that train."""
    centre, draws = np.log(share / (1 - share)), np.random.default_rng(SEED).standard_normal(1_000_000)
    numbers = np.arange(100)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        chances = 1 / (1 + np.exp(-rng.normal(centre, spread, 5)))
        scores = [rng.random(100) < chance for chance in chances]
        readings = [Reading("fourier", "none", ACCURACY, 64, 1, numbers, right) for right in scores]
        return *_bounds(order_interval(readings, RESAMPLES, SEED)), np.nan

    data = f"5 orders x 100 numbers, logits around {share:.0%} vary by {spread:g}"
    return Case("accuracy over orders", data, lambda: float((1 / (1 + np.exp(-centre - spread * draws))).mean()), draw)


def _order_lead(mean: float, spread: float) -> Case:
    numbers = np.arange(100)

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        leads = rng.normal(mean, spread, 5)
        scores = [(rng.random(100) < 0.3 + lead).astype(float) - (rng.random(100) < 0.3) for lead in leads]
        readings = [Reading("digits", "none", ACCURACY_LEAD, 64, 1, numbers, gain) for gain in scores]
        return *_bounds(order_interval(readings, RESAMPLES, SEED)), np.nan

    data = f"5 orders x 100 numbers, leads around {mean:.0%} vary by {spread:.0%}"
    return Case("lead over orders", data, lambda: mean, draw)


def _whole_numbers() -> Case:
    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        values = rng.integers(60, size=(600, 2))
        fates = np.stack([_fates(rng, 0.7, 60, 0.1) for _ in range(2)], axis=1)
        right = rng.random((600, 2)) < np.take_along_axis(fates, values, axis=0)
        found = whole_numbers(values, right[None], RESAMPLES, SEED).joint
        return float(found.low[0]), float(found.high[0]), np.nan

    data = "600 numbers of two tokens with 60 values each, 49% right, correlation 0.1 within a value"
    return Case("joint accuracy", data, lambda: 0.49, draw, sets=500, wide=CONSERVATIVE)


def _fates(rng: np.random.Generator, share: float, numbers: int, alike: float) -> np.ndarray:
    """Return the chance of each number to be read correctly, float64 [numbers]; its rows correlate by `alike`."""
    if alike == 1:
        return (rng.random(numbers) < share).astype(float)
    return rng.beta(share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike, numbers)


def _wrong(rng: np.random.Generator, share: float, results: int, rows: int, alike: float) -> np.ndarray:
    while True:
        fates = _fates(rng, share, results, alike) if alike else np.full(results, share)
        wrong = (rng.random((results, rows)) < fates[:, None]).ravel()
        if 2 <= wrong.sum() <= wrong.size - 2:
            return wrong


def _scores(rng: np.random.Generator, results: int, rows: int, alike: float) -> np.ndarray:
    shared = rng.normal(0, np.sqrt(alike), (results, 1))
    return (shared + rng.normal(0, np.sqrt(1 - alike), (results, rows))).ravel()


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    one, other = (graded(dissimilarity(part[:1500], "cosine"), "spearman") for part in (first, second))
    return float(np.einsum("ij,ij->", one, other, dtype=np.float64) / (len(one) * (len(one) - 1)))


def _alignment(first: np.ndarray, second: np.ndarray) -> float:
    one, other = (centre(part @ part.T) for part in (first, second))
    return float(np.einsum("ij,ij->", one, other, dtype=np.float64))


def _of(interval: Interval, means: np.ndarray) -> tuple[float, float, float]:
    return *_bounds(interval), 2 * _TAIL * float(means.std() / np.sqrt(len(means)))


def _bounds(interval: Interval) -> Bounds:
    return _known(interval.low), _known(interval.high)


def _known(bound: float | None) -> float:
    assert bound is not None
    return bound


def table(measured: Sequence[Coverage]) -> str:
    """Return what was measured as a table in Markdown."""
    lines = [
        "| metric | data | sets | holds the truth | below it | above it | mean width | bootstrap's |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        rival = "" if np.isnan(one.rival) or one.rival == 0 else f"{one.width / one.rival:.2f} x"
        cells: list[Any] = [
            one.case.metric,
            f"{one.case.data} ({one.case.wide})" if one.case.wide else one.case.data,
            f"{one.sets:,}",
        ]
        cells += [f"{one.held:.3f}", f"{one.below:.3f}", f"{one.above:.3f}", f"{one.width:.3g}", rival]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all cases; print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=2000, help="sets of each case, at most")
    parser.add_argument("--page", type=Path, help="the page whose table is written")
    options = parser.parse_args()
    measured = [measure(case, options.sets) for case in cases()]
    text = table(measured)
    if options.page:
        page = options.page.read_text()
        start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
        options.page.write_text(f"{page[:start]}\n{text}{page[end:]}")
    else:
        print(text)


if __name__ == "__main__":
    main()
