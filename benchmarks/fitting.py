"""Fitting probes: closed form against gradient descent, ten folds against one split, and what a control costs.

The paper's procedure (arXiv 2510.26285) takes 10,000 steps of Adam with batches of 1024 rows per layer and split.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from _bench import Case, Goal, Ratio, Times, arguments, compare, draw_ratios, finish, ratio, roofline, spread
from _planted import FREQUENCIES, SPLIT, planted_states
from numprobe.probes.closed_form import PENALTIES, Target, fit_layer, make_target
from numprobe.probes.codes import CODES, make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.dataset import whole_fold
from numprobe.probes.held_out import read_held_out
from numprobe.probes.iterative import FAMILIES, Rows, Trained, evaluate, train
from numprobe.probes.moments import Blocks, Moments, make_moments
from numprobe.probes.settings import Settings, make_settings
from numprobe.probes.statistics import accumulate
from numprobe.side_by_side import side_by_side
from numprobe.splits import Fold, Split

LAYERS, ROWS, CV_ROWS, WIDTH = 5, 10_000, 100_000, 128
#: A context of a real language model of 135 million parameters.
WIDE, WIDE_ROWS = 576, 3_000
FOLDS = len(SPLIT.folds)
# Timed steps of a layer; the rest is scaled, since all steps cost the same.
PAPER_STEPS, PAPER_TIMED, PAPER_SCORED = 10_000, 300, 1_000
TUNED_STEPS, TUNED_TIMED = 300, 60
#: Both fit the Fourier basis: the paper's own has no short periods and reads less of these states.
PAPER = make_settings("sinusoidal", {"published": True, "basis": "fourier"})
#: The fewest steps that come within a point of the closed form, found by trying rates, penalties and widths.
TUNED = replace(
    make_settings("sinusoidal", {"basis": "fourier", "learning_rates": [1e-2], "l1": [1e-2], "steps": TUNED_STEPS}),
    batch=256,
    penalise_all=True,
)
OURS, ONE, ADAM, PUBLISHED = "closed form, all kinds", "closed form, fourier", "tuned Adam", "paper's procedure"
SPLIT_ONCE, CV, CV_CHOSEN = "one split, one penalty", "ten folds, one penalty", "ten folds, inner selection"
APART, SUMS = "ten splits one by one, one penalty", "sums over rows alone"
SCORED = "ten folds, inner selection, all rows scored"
PLAIN, SHUFFLED = "all kinds", "all kinds, shuffled too"


def closed_form(
    layers: Sequence[np.ndarray], values: np.ndarray, kinds: Sequence[str], device: str | None = None
) -> None:
    """Fit kinds of probes on all layers and folds, penalties chosen within the training values."""
    targets = _targets(kinds, "none")

    def fit(states: np.ndarray) -> None:
        fit_layer(accumulate(states, values, SPLIT, device), SPLIT, targets, SPLIT.folds)

    list(side_by_side(fit, layers, 1 if device else os.cpu_count() or 1))


def _targets(kinds: Sequence[str], control: str) -> list[Target]:
    labels = control_labels(control, SPLIT.values, SPLIT, seed=0)
    return [make_target(make_code(kind, SPLIT.minimum, SPLIT.maximum), labels, SPLIT.minimum) for kind in kinds]


def descend(
    settings: Settings, states: np.ndarray, values: np.ndarray, fold: Fold, steps: int, device: str = "cpu"
) -> Trained:
    """Some steps of gradient descent on one layer and one fold."""
    family = FAMILIES["sinusoidal"](settings, SPLIT.minimum, SPLIT.maximum, states.shape[1], device)
    rows = _rows(states, values, fold.train, device)
    return train(family, rows, None, settings.learning_rates[0], settings.l1[0], [0], 0, steps)


def _rows(states: np.ndarray, values: np.ndarray, blocks: Blocks, device: str) -> Rows:
    chosen = np.isin(SPLIT.block_of(values), blocks)
    labels = torch.from_numpy(values[chosen] - SPLIT.minimum)
    return Rows(torch.from_numpy(states[chosen])[None].to(device), labels.to(device))


def descent_accuracy(
    settings: Settings, states: np.ndarray, values: np.ndarray, steps: int, device: str = "cpu"
) -> float:
    """Share of the rows of the first fold's unseen values that are read after some steps."""
    fold = SPLIT.folds[0]
    parameters = descend(settings, states, values, fold, steps, device).parameters
    family = FAMILIES["sinusoidal"](settings, SPLIT.minimum, SPLIT.maximum, states.shape[1], device)
    return float(evaluate(family, parameters, _rows(states, values, fold.test, device))[0][0])


def closed_accuracy(states: np.ndarray, values: np.ndarray) -> float:
    """The same for the closed form with the Fourier code."""
    readings = read_held_out(states, values, replace(SPLIT, folds=SPLIT.folds[:1]), "fourier", [None])
    if readings is None:
        raise SystemExit("planted states are never constant")
    tested = np.isin(SPLIT.block_of(values), SPLIT.folds[0].test)
    return float(readings[0].right[tested].mean())


def ridge(moments: Moments, blocks: Blocks, penalty: float) -> np.ndarray:
    """Weights [d, c] of a ridge regression on some blocks, without any choice."""
    centre = moments.centre(blocks)
    gram = moments.gram_about(blocks, centre)
    gram += penalty * np.trace(gram) / moments.width * np.eye(moments.width)
    return np.asarray(cho_solve(cho_factor(gram, overwrite_a=True), moments.cross_about(blocks, centre)))


def one_split(states: np.ndarray, values: np.ndarray, fold: Fold) -> None:
    """The rows that train one fold, as one block: nothing is kept for other folds."""
    chosen = np.isin(SPLIT.block_of(values), fold.train)
    single = Split(SPLIT.minimum, SPLIT.maximum, np.zeros_like(SPLIT.block), ())
    sums = accumulate(states[chosen], values[chosen], single)
    ridge(make_moments(sums, _targets(["fourier"], "none")[0].matrix, single), (0,), PENALTIES[0])


def ten_splits(states: np.ndarray, values: np.ndarray) -> None:
    """Every fold by itself."""
    for fold in SPLIT.folds:
        one_split(states, values, fold)


def ten_folds(states: np.ndarray, values: np.ndarray) -> None:
    """Every fold from the sums of its blocks, at one penalty."""
    moments = make_moments(accumulate(states, values, SPLIT), _targets(["fourier"], "none")[0].matrix, SPLIT)
    for fold in SPLIT.folds:
        ridge(moments, fold.train, PENALTIES[0])


def against_descent(repeats: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds for all layers and folds, the descents scaled to all their steps, and held-out accuracies."""
    made = [planted_states(ROWS, WIDTH, seed) for seed in range(LAYERS)]
    # All layers see the same rows.
    values = made[0][1]
    layers = [states[np.argsort(own, kind="stable")] for states, own in made]
    values = np.sort(values)
    fold = SPLIT.folds[0]
    times = compare(
        {
            OURS: partial(closed_form, layers, values, list(CODES)),
            ONE: partial(closed_form, layers, values, ["fourier"]),
            ADAM: partial(descend, TUNED, layers[0], values, fold, TUNED_TIMED),
            PUBLISHED: partial(descend, PAPER, layers[0], values, fold, PAPER_TIMED),
        },
        repeats,
    )
    scale = {ADAM: TUNED_STEPS / TUNED_TIMED, PUBLISHED: PAPER_STEPS / PAPER_TIMED}
    scaled = {
        name: [second * (scale[name] * LAYERS * FOLDS if name in scale else 1) for second in seconds]
        for name, seconds in times.items()
    }
    accuracy = {
        ONE: closed_accuracy(layers[0], values),
        ADAM: descent_accuracy(TUNED, layers[0], values, TUNED_STEPS),
        PUBLISHED: descent_accuracy(PAPER, layers[0], values, PAPER_SCORED),
    }
    return scaled, accuracy


def against_one_split(repeats: int) -> dict[str, list[float]]:
    """Seconds of one layer with many rows."""
    states, values = planted_states(CV_ROWS, WIDTH)
    cases: dict[str, Case] = {
        SPLIT_ONCE: partial(one_split, states, values, SPLIT.folds[0]),
        CV: partial(ten_folds, states, values),
        CV_CHOSEN: partial(closed_form, [states], values, ["fourier"]),
        APART: partial(ten_splits, states, values),
        SUMS: partial(accumulate, states, values, SPLIT),
        SCORED: partial(read_held_out, states, values, SPLIT, "fourier", [None]),
    }
    # One layer has one thread in all cases.
    with threadpool_limits(1, "blas"):
        return compare(cases, repeats)


def with_control(repeats: int, rows: int = WIDE_ROWS, width: int = WIDE) -> dict[str, list[float]]:
    """Seconds of one layer from its sums, without and with the shuffled control."""
    states, values = planted_states(rows, width)
    plain, shuffled = (_targets(list(CODES), control) for control in ("none", "shuffled"))
    fit = partial(fit_layer, accumulate(states, values, SPLIT), SPLIT, folds=[whole_fold(SPLIT), *SPLIT.folds])
    with threadpool_limits(1, "blas"):
        return compare({PLAIN: partial(fit, plain), SHUFFLED: partial(fit, [*plain, *shuffled])}, repeats)


def closed_form_bound(times: Times) -> str:
    """State the share of ten folds' time that the sums over rows take, against the peak of products in float64."""
    products = CV_ROWS * WIDTH * (WIDTH + 1)
    seconds = min(times[SUMS])
    share = products / seconds / roofline()["flops"]["float64"]
    return (
        f"the sums over {CV_ROWS:,} rows take {seconds / min(times[CV_CHOSEN]):.0%} of ten folds with selection"
        f" and {seconds / min(times[SPLIT_ONCE]):.0%} of one split, at {share:.0%} of float64's peak on all cores"
    )


def goals(descents: Times, folds: Times, control: Times, accuracy: dict[str, float]) -> list[Goal]:
    """The goals with what was measured."""
    bound = closed_form_bound(folds)
    wide = f"{SHUFFLED} / {PLAIN}, {WIDE_ROWS:,} rows of width {WIDE}"
    faster = f"{LAYERS} layers x {FOLDS} folds, all {len(CODES)} closed-form kinds against the paper's procedure"
    return [
        Goal("fits", f"{faster}: how many times faster", 100, ratio(descents, PUBLISHED, OURS), False, bound),
        accuracy_goal(accuracy[PUBLISHED], accuracy[ONE]),
        Goal("folds", f"{CV} / {SPLIT_ONCE}, {CV_ROWS:,} rows", 1.5, ratio(folds, CV, SPLIT_ONCE), True, bound),
        Goal("selection", f"{CV_CHOSEN} / {SPLIT_ONCE}", 2.5, ratio(folds, CV_CHOSEN, SPLIT_ONCE), True, bound),
        Goal(
            "control", wide, 1.5, ratio(control, SHUFFLED, PLAIN), True, "twice as many probes are selected and fitted"
        ),
    ]


def accuracy_goal(published: float, ours: float) -> Goal:
    """Within a point of the paper's procedure, or above it."""
    behind = published - ours
    what = "held-out accuracy of the paper's procedure minus that of the closed form"
    return Goal("accuracy", what, 0.01, Ratio(behind, behind, behind), True)


def table(descents: Times, folds: Times, control: Times, accuracy: dict[str, float]) -> list[dict[str, object]]:
    """One row per case."""
    small, large = f"{LAYERS} layers x {FOLDS} folds, {ROWS:,} rows", f"1 layer, {CV_ROWS:,} rows"
    wide = f"1 layer of width {WIDE}, {WIDE_ROWS:,} rows"
    rows = [(name, small, descents, OURS, timed) for name, timed in _timed().items()]
    rows += [(name, large, folds, SPLIT_ONCE, "all") for name in folds]
    rows += [(name, wide, control, PLAIN, "all but the sums over rows") for name in control]
    return [
        {
            "case": name,
            "of": size,
            "seconds": spread(times[name]).median,
            "ratio": str(ratio(times, name, baseline)),
            "to": baseline,
            "timed": timed,
            "held-out accuracy": f"{accuracy[name]:.4f}" if name in accuracy else "",
        }
        for name, size, times, baseline, timed in rows
    ]


def _timed() -> dict[str, str]:
    """Describe what was timed of each case; the descents are scaled to all steps, layers and folds."""
    return {
        OURS: "all",
        ONE: "all",
        ADAM: f"{TUNED_TIMED} of {TUNED_STEPS} steps, one layer, one fold; scaled",
        PUBLISHED: f"{PAPER_TIMED} of {PAPER_STEPS:,} steps, one layer, one fold; scaled",
    }


def draw(figure: Figure, descents: Times, folds: Times, control: Times) -> None:
    """Descents against the closed form (logarithmic), folds against one split, the control against none."""
    left, right, last = figure.subplots(1, 3)
    draw_ratios(left, {name: ratio(descents, name, OURS) for name in descents}, f"time / {OURS}", 100, logarithmic=True)
    draw_ratios(right, {name: ratio(folds, name, SPLIT_ONCE) for name in folds}, f"time / {SPLIT_ONCE}")
    draw_ratios(last, {name: ratio(control, name, PLAIN) for name in control}, f"time / {PLAIN}", 1.5)


def main(repeats: int) -> None:
    """Run all comparisons."""
    descents, accuracy = against_descent(repeats)
    folds = against_one_split(repeats)
    control = with_control(repeats)
    notes = {
        "summary": (
            f"States of width {WIDTH} in which {len(FREQUENCIES)} waves of the number are planted. Closed form: sums"
            " over rows once for all folds and kinds, penalty and weights chosen on inner groups of training values, a"
            " layer on each core."
            " The descents fit one kind (a Fourier basis, latent width 100) without validation, one fold and layer,"
            " scaled to all. Accuracy is exact, of the numbers of the first fold, in the first layer."
        ),
        "accuracy of the paper's procedure": f"after {PAPER_SCORED:,} of {PAPER_STEPS:,} steps",
        "scoring": (
            "the case with all rows scored reads each row by the fold that never saw its number; without stored states"
            " this takes a second pass through the model"
        ),
        "bound": closed_form_bound(folds),
    }
    finish(
        "fitting",
        table(descents, folds, control, accuracy),
        goals(descents, folds, control, accuracy),
        notes,
        partial(draw, descents=descents, folds=folds, control=control),
    )


if __name__ == "__main__":
    main(arguments(__doc__).parse_args().repeats)
