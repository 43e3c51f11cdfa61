"""The rows of one random order, with the labels of the probes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.experiments.sample_efficiency.order import Order
from numprobe.experiments.sample_efficiency.sample import Sample, rank_within
from numprobe.probes.controls import control_labels
from numprobe.probes.statistics import Statistics, accumulate
from numprobe.seeding import derive_seed, generator

#: Labels of the fits to a model: the true numbers, and permuted ones.
CONTROLS = ("none", "shuffled")


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows: states [n, d], true values int64 [n], and the probe's labels int64 [n]."""

    states: np.ndarray
    values: np.ndarray
    labels: np.ndarray

    def of(self, values: np.ndarray) -> "Rows":
        """Return the rows of some values."""
        chosen = np.isin(self.values, values)
        return Rows(self.states[chosen], self.values[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Data:
    """The rows of one order.

    Attributes
    ----------
    sample, order
        The rows, and the division of their values into training and test values.
    labels
        Control -> int64 [N]: the label of each candidate value.
    rank
        int64 [n]: the random rank of each training row among those of its value; rows that do not train are last.
    """

    sample: Sample
    order: Order
    labels: dict[str, np.ndarray]
    rank: np.ndarray

    @property
    def most_prompts(self) -> int:
        """The maximum number of training rows of a value."""
        return int(self.rank[self.sample.trains].max()) + 1

    def statistics(self, prompts: int) -> Statistics:
        """Return the statistics of the training values, with at most `prompts` rows of each."""
        chosen = (self.rank < prompts) & np.isin(self.sample.values, self.order.values)
        return accumulate(self.sample.states[chosen], self.sample.values[chosen], self.order.split)

    def first_rows(self, control: str) -> Rows:
        """Return the first training row of every value."""
        return self._rows(self.rank == 0, control)

    def test_rows(self, control: str) -> Rows:
        """Return the rows of the test values."""
        return self._rows(self.sample.tests & np.isin(self.sample.values, self.order.test), control)

    def _rows(self, chosen: np.ndarray, control: str) -> Rows:
        values = self.sample.values[chosen]
        return Rows(self.sample.states[chosen], values, self.labels[control][values - self.order.split.minimum])


def make_data(sample: Sample, order: Order, seed: int, controls: Sequence[str] = CONTROLS) -> Data:
    """Draw, for one order, the ranks of the rows of each value and the labels of each of some controls."""
    keys = generator(seed, "sample efficiency", "prompts", order.name).random(len(sample.values))
    rank = np.full(len(sample.values), np.iinfo(np.int64).max)
    rank[sample.trains] = rank_within(sample.values[sample.trains], keys[sample.trains])
    own_seed = derive_seed(seed, "sample efficiency", "shuffled", order.name)
    split = order.split
    labels = {control: control_labels(control, split.values, split, own_seed) for control in controls}
    return Data(sample, order, labels, rank)
