"""Overlap of sets, and what random sets share."""

import numpy as np
import pytest

from numprobe.experiments.consistency.sets import iou, random_iou


def test_sets_overlap_by_intersection_over_union():
    assert iou([1, 2, 3], [2, 3, 4]) == pytest.approx(0.5)
    assert iou([1], [2]) == 0 and iou([], []) == 0 and iou([1], [1]) == 1


def test_random_sets_overlap_as_drawn_ones_do():
    mean, low, high = random_iou(100, 20, 30)
    random = np.random.default_rng(0)
    drawn = [iou(random.permutation(100)[:20], random.permutation(100)[:30]) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(mean, abs=0.003)
    assert 0.9 < np.mean([low <= value <= high for value in drawn]) <= 1
    assert random_iou(100, 0, 0) == (0, 0, 0)
