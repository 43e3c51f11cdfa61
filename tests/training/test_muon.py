"""The Muon optimiser."""

import pytest
import torch

from numprobe.training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 20), (2, 20, 8)])
def test_all_singular_values_of_an_update_are_near_one(shape):
    result = orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    values = torch.linalg.svdvals(result)
    assert result.shape == shape
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_the_update_has_the_singular_vectors_of_the_gradient():
    matrix = torch.randn(1, 6, 6, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix[0])
    rotated = left.T @ orthogonalise(matrix)[0] @ right.T
    assert torch.allclose(rotated, torch.diag(rotated.diagonal()), atol=1e-4)


@pytest.mark.parametrize("shape", [(16, 16), (16, 40), (40, 16)])
def test_steps_are_those_of_torch_up_to_its_bfloat16(shape):
    torch.manual_seed(0)
    start, target = torch.randn(shape), torch.randn(shape)
    ends = []
    for kind in (Muon, torch.optim.Muon):
        matrix = torch.nn.Parameter(start.clone())
        optimiser = kind([matrix], lr=0.02, momentum=0.95, weight_decay=0.1)
        for _ in range(5):
            optimiser.zero_grad()
            ((matrix - target) ** 2).sum().backward()
            optimiser.step()
        ends.append(matrix.detach())
    moved = (ends[1] - start).norm()
    assert (ends[0] - ends[1]).norm() < 0.03 * moved
