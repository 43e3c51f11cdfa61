"""Fitting probes on a GPU: the closed form against the paper's procedure on the same GPU, and against the CPU.

States of the width of Llama 3.2 1B; all closed-form kinds and ten folds of a layer.
"""

from functools import partial

import torch
from matplotlib.figure import Figure

from _bench import Goal, Times, arguments, compare, draw_ratios, finish, ratio, spread
from _planted import SPLIT, planted_states
from fitting import (
    FOLDS,
    PAPER,
    PAPER_SCORED,
    PAPER_STEPS,
    accuracy_goal,
    closed_accuracy,
    closed_form,
    descend,
    descent_accuracy,
)
from numprobe.probes.codes import CODES

ROWS, WIDTH, TIMED = 10_000, 2048, 300
ON_GPU, FOURIER = "closed form, all kinds, on the GPU", "closed form, fourier, on the GPU"
ON_CPU = "closed form, fourier, on a core of the CPU"
PUBLISHED = "paper's procedure, on the GPU"
GOAL = 100


def measure(
    repeats: int, device: str = "cuda", rows: int = ROWS, width: int = WIDTH, steps: int = TIMED
) -> dict[str, list[float]]:
    """Seconds for one layer and all folds; the descent scaled to all its steps and folds."""
    states, values = planted_states(rows, width)
    fold = SPLIT.folds[0]

    def published() -> None:
        descend(PAPER, states, values, fold, steps, device)
        if device != "cpu":
            torch.cuda.synchronize()

    times = compare(
        {
            ON_GPU: partial(closed_form, [states], values, list(CODES), device),
            FOURIER: partial(closed_form, [states], values, ["fourier"], device),
            PUBLISHED: published,
        },
        repeats,
    )
    # Once: it takes longer than all others together.
    times |= compare({ON_CPU: partial(closed_form, [states], values, ["fourier"])}, repeats=1, warmup=0)
    times[ON_CPU] *= repeats
    times[PUBLISHED] = [second * PAPER_STEPS / steps * FOLDS for second in times[PUBLISHED]]
    return times


def table(times: Times, accuracy: dict[str, float]) -> list[dict[str, object]]:
    """One row per case."""
    return [
        {
            "case": name,
            "seconds": spread(times[name]).median,
            "ratio": str(ratio(times, name, ON_GPU)),
            "held-out accuracy": f"{accuracy[name]:.4f}" if name in accuracy else "",
        }
        for name in times
    ]


def main() -> None:
    """Print and write the comparison, where there is a GPU."""
    repeats = arguments(__doc__).parse_args().repeats
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured")
        return
    times = measure(repeats)
    states, values = planted_states(ROWS, WIDTH)
    accuracy = {
        FOURIER: closed_accuracy(states, values),
        PUBLISHED: descent_accuracy(PAPER, states, values, PAPER_SCORED, "cuda"),
    }
    goals = [
        Goal(
            "fits",
            f"all {len(CODES)} closed-form kinds, {FOLDS} folds, against the paper's procedure on the same GPU: how "
            "many times faster",
            GOAL,
            ratio(times, PUBLISHED, ON_GPU),
            False,
            f"{FOURIER.split(', on')[0]} alone is {ratio(times, PUBLISHED, FOURIER)} times faster",
        ),
        accuracy_goal(accuracy[PUBLISHED], accuracy[FOURIER]),
    ]
    notes = {
        "summary": (
            f"One layer of {ROWS:,} states of width {WIDTH} in which waves of the number are planted, {FOLDS} folds. "
            "Closed form: from states in main memory to probes, with sums, factors and solutions on the GPU (float64), "
            "or with NumPy and SciPy on one core of the CPU, where other cores take other layers (timed once). The "
            f"descent fits one kind; {TIMED} of {PAPER_STEPS:,} steps of one fold are timed and scaled. Accuracy is "
            f"exact, of the numbers of the first fold, for the descent after {PAPER_SCORED:,} steps."
        )
    }

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_ratios(axes, {name: ratio(times, name, ON_GPU) for name in times}, f"time / {ON_GPU}", GOAL, True)

    finish("gpu_fitting", table(times, accuracy), goals, notes, draw, "cuda")


if __name__ == "__main__":
    main()
