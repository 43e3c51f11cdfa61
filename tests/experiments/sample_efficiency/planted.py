"""Samples in which numbers 0..99 are planted."""

import numpy as np
from tests.probes.planted import waves

from numprobe.experiments.sample_efficiency.fits import Reading, measure_order
from numprobe.experiments.sample_efficiency.order import Order, make_order
from numprobe.experiments.sample_efficiency.sample import Sample

VALUES = np.arange(100)
SIZES = (8, 16, 32, 64)
KINDS = ("fourier", "digits", "linear")


def sample_of(states: np.ndarray, values: np.ndarray = VALUES) -> Sample:
    rows = np.ones(len(values), dtype=bool)
    return Sample("0", states.astype(np.float32), values, rows, rows, rows)


def wave_sample(noise: float = 0.01, values: np.ndarray = VALUES) -> Sample:
    return sample_of(waves(values, width=12, noise=noise, periods=(2, 5, 10, 100)), values)


def random_sample() -> Sample:
    return sample_of(np.random.default_rng(0).standard_normal((100, 12)))


def line_sample() -> Sample:
    random = np.random.default_rng(0)
    direction = random.standard_normal(12)
    return sample_of(np.outer(VALUES / 99, direction) + 1e-5 * random.standard_normal((100, 12)))


def order_of(index: int = 0, held_out: int = 20) -> Order:
    return make_order(0, 99, VALUES, SIZES, held_out, 0, index)


def readings_of(sample: Sample, index: int = 0, prompts: tuple[int, ...] = (1,)) -> list[Reading]:
    return measure_order(sample, order_of(index), KINDS, prompts, 0)


def mean(readings: list[Reading], metric: str, probe: str, control: str = "none") -> list[float]:
    """Mean scores, by size."""
    wanted = (metric, probe, control)
    return [float(r.scores.mean()) for r in readings if (r.metric, r.probe, r.control) == wanted]
