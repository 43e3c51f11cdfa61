"""Angles of subspaces with known answers, and random subspaces that lie inside their own band."""

import numpy as np
import pytest

from numprobe.measure.subspaces import overlap, principal_angles, random_angles


def test_known_angles():
    axes = np.eye(6)
    assert principal_angles(axes[:, :2], axes[:, :3]) == pytest.approx([0, 0], abs=1e-5)
    assert principal_angles(axes[:, :2], axes[:, 3:5]) == pytest.approx([90, 90])
    tilted = np.array([[np.cos(np.pi / 6), np.sin(np.pi / 6)]]).T
    assert principal_angles(np.eye(2)[:, :1], tilted) == pytest.approx([30])


def test_angles_do_not_depend_on_the_bases():
    random = np.random.default_rng(0)
    one, other = (np.linalg.qr(random.standard_normal((20, rank)))[0] for rank in (4, 7))
    turned = one @ np.linalg.qr(random.standard_normal((4, 4)))[0]
    assert principal_angles(one, other) == pytest.approx(principal_angles(turned, other))
    assert principal_angles(one, other) == pytest.approx(principal_angles(other, one))


def test_overlap_of_random_subspaces_is_the_larger_rank_over_the_width():
    null = random_angles(64, 16, 8, 0)
    assert null.overlap == pytest.approx(16 / 64, abs=0.01)
    assert null.angle.shape == (8,)
    assert (np.diff(null.angle) > 0).all()


def test_random_subspaces_lie_in_the_band():
    null, random = random_angles(40, 6, 6, 0), np.random.default_rng(1)
    inside = []
    for _ in range(200):
        one, other = (np.linalg.qr(random.standard_normal((40, 6)))[0] for _ in range(2))
        found = principal_angles(one, other)
        inside.append((null.angle_low <= found) & (found <= null.angle_high))
        assert 0 <= overlap(found) <= 1
    assert 0.9 < np.mean(inside) < 0.99
