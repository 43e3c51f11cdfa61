"""The Muon optimiser in float32. (torch's own computes in bfloat16, which many CPUs can only emulate.)"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch

# Quintic iteration of Jordan et al. (https://kellerjordan.github.io/posts/muon/): steep at 0, near 1 after five rounds.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum whose update is replaced by the nearest orthogonal matrix, for matrices inside the blocks.

    Parameters
    ----------
    parameters
        Matrices.
    lr
        Learning rate; matrices with more rows than columns take sqrt(rows / columns) times as much.
    momentum
        Nesterov momentum.
    weight_decay
        Decoupled decay.
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update the parameters from their gradients; matrices of one shape are orthogonalised together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes[matrix.shape].append(matrix)
            for shape, matrices in shapes.items():
                updates = orthogonalise(torch.stack([self._momentum(matrix, group) for matrix in matrices]))
                rate = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(matrices, list(updates.unbind()), alpha=-rate)

    def _momentum(self, matrix: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        average = state["momentum"].lerp_(matrix.grad, 1 - group["momentum"])
        return torch.lerp(matrix.grad, average, group["momentum"])  # type: ignore[arg-type]


def orthogonalise(matrices: torch.Tensor) -> torch.Tensor:
    """Return U S' V' for each float32 [k, rows, columns] matrix U S V', with singular values S' of 0.7 to 1.2."""
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    for _ in range(_ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
