"""Train probes by gradient descent: `sinusoidal`, `wave` and `mlp`, all layers of a model at once.

A state x has a latent z(x), a number n has a class vector c(n), and the score is z.c(n). z = W x + b, except for `mlp`:

- `sinusoidal` (arXiv 2506.08966): c(n) = V s(n) + v with a FIXED basis s of sines and cosines.
- `wave` (arXiv 2510.26285, second version): c_k(n) = a_k sin(phi_k + 2 pi f_k n), amplitudes, phases and frequencies
  learned.
- `mlp`: z = W relu(U x + u) + b, one hidden layer, and c(n) = the one-hot decimal digits of n. Free class vectors could
  not read a number without training rows; digits are shared. If every number is a class, the cross-entropy over the
  numbers is the sum of the cross-entropies of the digits.

The loss is softmax cross-entropy over the numbers that have training rows: numbers held out for test or validation are
no classes, not even wrong ones. Layers share only the order of the rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from numprobe.errors import NumprobeError
from numprobe.probes.codes import make_code
from numprobe.probes.settings import Settings

Parameters = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of all layers.

    Attributes
    ----------
    states
        float32 [L, N, d].
    labels
        int64 [n]: index of the label among the candidates.
    place
        int64 [n]: index of each row among the N states, which training and validation rows share. None: all, in order.
    """

    states: torch.Tensor
    labels: torch.Tensor
    place: torch.Tensor | None = None

    def taken(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the states [L, m, d] of the rows with the given indices."""
        return self.states[:, chosen if self.place is None else self.place[chosen]]


@dataclass(frozen=True, eq=False)
class Trained:
    """The best parameters of every layer.

    Attributes
    ----------
    parameters
        Name -> [L, ...], copies.
    step
        [L]: number of gradient steps to reach them.
    accuracy, loss
        [L]: on the validation rows (accuracy 0 without validation).
    """

    parameters: Parameters
    step: np.ndarray
    accuracy: np.ndarray
    loss: np.ndarray


class Family:
    """A kind of iterative probe: its parameters, latents and class vectors.

    Parameters
    ----------
    settings
        Its settings.
    minimum, maximum
        The candidates.
    width
        Components per state.
    device
        Device of the parameters. They are drawn on the CPU, so that they are the same on all devices.
    """

    def __init__(
        self, settings: Settings, minimum: int, maximum: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = settings
        self.numbers = torch.arange(minimum, maximum + 1, device=device)
        self.width = width
        self.device = device

    @property
    def everything(self) -> torch.Tensor:
        """int64 [N]: the indices of all candidates."""
        return torch.arange(len(self.numbers), device=self.device)

    def initial(self, seeds: list[int]) -> Parameters:
        """Draw the parameters of all layers, each layer from its own seed."""
        layers = [self._draw(torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([layer[name] for layer in layers]).to(self.device) for name in layers[0]}

    def latent(self, parameters: Parameters, states: torch.Tensor) -> torch.Tensor:
        """Return the vectors that are compared with the class vectors, [L, n, h], of states [L, n, d]."""
        return torch.baddbmm(parameters["bias"], states, parameters["weight"])

    def classes(self, parameters: Parameters, chosen: torch.Tensor) -> torch.Tensor:
        """Return class vectors [L, m, h] of the candidates with the given indices; [1, m, h] if layers share them."""
        raise NotImplementedError

    def _draw(self, generator: torch.Generator) -> Parameters:
        raise NotImplementedError

    def _affine(
        self, inputs: int, generator: torch.Generator, outputs: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw weights [inputs, outputs] and biases [1, outputs], uniform within 1 / sqrt(inputs); outputs None: h."""
        uniform = torch.rand(inputs + 1, outputs or self.settings.latent, generator=generator) * 2 - 1
        uniform = uniform / inputs**0.5
        return uniform[:-1], uniform[-1:]


class Sinusoidal(Family):
    """Two affine maps into a shared latent space, over a fixed basis."""

    def __init__(
        self, settings: Settings, minimum: int, maximum: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(settings, minimum, maximum, width, device)
        if settings.basis == "fourier":
            basis = make_code("fourier", minimum, maximum).matrix
        else:
            basis = positional_basis(
                self.numbers.cpu().numpy(), width, settings.shortest_period, settings.longest_period
            )
        self._basis = torch.tensor(basis, dtype=torch.float32, device=device)

    def classes(self, parameters: Parameters, chosen: torch.Tensor) -> torch.Tensor:
        """Return an affine map of the fixed basis, [L, m, h]."""
        return self._basis[chosen] @ parameters["basis_weight"] + parameters["basis_bias"]

    def _draw(self, generator: torch.Generator) -> Parameters:
        weight, bias = self._affine(self.width, generator)
        basis_weight, basis_bias = self._affine(self._basis.shape[1], generator)
        return {"weight": weight, "bias": bias, "basis_weight": basis_weight, "basis_bias": basis_bias}


class Wave(Family):
    """One affine map times learned waves."""

    def classes(self, parameters: Parameters, chosen: torch.Tensor) -> torch.Tensor:
        """Return the waves at the candidates, [L, m, h]."""
        # Counted from the smallest number, where a change of frequency shifts the waves least.
        numbers = (self.numbers[chosen] - self.numbers[0]).float()[:, None]
        angle = parameters["phase"] + 2 * torch.pi * parameters["frequency"] * numbers
        return parameters["amplitude"] * torch.sin(angle)

    def _draw(self, generator: torch.Generator) -> Parameters:
        settings = self.settings
        weight, bias = self._affine(self.width, generator)
        slowest = 1 / (len(self.numbers) - 1)
        frequency = torch.linspace(slowest, 1 / settings.shortest_period, settings.latent)
        amplitude = torch.full((1, settings.latent), settings.amplitude)
        return {
            "weight": weight,
            "bias": bias,
            "amplitude": amplitude,
            "phase": torch.zeros_like(amplitude),
            "frequency": frequency[None],
        }


class Mlp(Family):
    """One hidden layer that predicts decimal digits."""

    def __init__(
        self, settings: Settings, minimum: int, maximum: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(settings, minimum, maximum, width, device)
        digits = make_code("digits", minimum, maximum).matrix
        self._digits = torch.tensor(digits, dtype=torch.float32, device=device)

    def latent(self, parameters: Parameters, states: torch.Tensor) -> torch.Tensor:
        """Return an affine map of the hidden layer, [L, n, h]."""
        hidden = torch.baddbmm(parameters["hidden_bias"], states, parameters["hidden_weight"]).relu()
        return super().latent(parameters, hidden)

    def classes(self, parameters: Parameters, chosen: torch.Tensor) -> torch.Tensor:
        """Return the one-hot digits of the candidates, [1, m, h]."""
        return self._digits[chosen][None]

    def _draw(self, generator: torch.Generator) -> Parameters:
        hidden_weight, hidden_bias = self._affine(self.width, generator)
        weight, bias = self._affine(self.settings.latent, generator, self._digits.shape[1])
        return {"hidden_weight": hidden_weight, "hidden_bias": hidden_bias, "weight": weight, "bias": bias}


#: Every iterative probe.
FAMILIES: dict[str, type[Family]] = {"sinusoidal": Sinusoidal, "wave": Wave, "mlp": Mlp}
_ANGLES = ("phase", "frequency")
_EVALUATION_BATCH = 2048


def positional_basis(numbers: np.ndarray, width: int, shortest: float, longest: float) -> np.ndarray:
    """Return alternating sin(w_j n) and cos(w_j n), float64 [N, width].

    w_j = 2 pi / shortest * (shortest / longest)^(2j / width). With periods 2 pi .. 2000 pi this is the basis of arXiv
    2506.08966: w_j = 1000^(-2j / width), with no period below 6.28.
    """
    exponent = 2 * np.arange((width + 1) // 2) / width
    angle = np.outer(numbers, 2 * np.pi / shortest * (shortest / longest) ** exponent)
    return np.asarray(np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(numbers), -1)[:, :width])


def train(
    family: Family,
    rows: Rows,
    validation: Rows | None,
    learning_rate: float,
    l1: float,
    seeds: list[int],
    order_seed: int,
    steps: int | None = None,
) -> Trained:
    """Train all layers together, and keep a copy of each layer's best parameters.

    Parameters
    ----------
    family
        The kind of probe to train.
    rows
        Training rows; their labels are the classes of the softmax.
    validation
        Rows of values that no training row has, which choose the best parameters (by accuracy over all candidates,
        then by loss). None: keep the last parameters.
    learning_rate, l1
        A candidate of the settings.
    seeds
        One per layer.
    order_seed
        Seed of the batches, which are the same for all layers.
    steps
        Number of gradient steps, the length of a cosine schedule; that of the settings if None.
    """
    settings = family.settings
    parameters = {name: value.requires_grad_() for name, value in family.initial(seeds).items()}
    if steps == 0:
        raise NumprobeError("no step lowered the loss on the validation values, in any layer: lower learning_rates")
    last = settings.steps if steps is None else steps
    optimiser = _optimiser(parameters, learning_rate, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _schedule(settings, last))
    order = torch.Generator().manual_seed(order_seed)
    seen, target = torch.unique(rows.labels, return_inverse=True)
    best = _Best(parameters, len(seeds))
    for step in range(1, last + 1):
        batch = torch.randint(len(target), (settings.batch,), generator=order).to(family.device, non_blocking=True)
        loss = _loss(family, parameters, rows.taken(batch), seen, target[batch], l1)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if validation and (step % settings.evaluate_every == 0 or step == last):
            best.offer(step, parameters, *evaluate(family, parameters, validation))
            if settings.patience and best.stale >= settings.patience:
                break
    if validation is None:
        best.keep(np.ones(len(seeds), dtype=bool), last, parameters)
    return best.trained()


def evaluate(family: Family, parameters: Parameters, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return accuracy and cross-entropy [L] over all candidates."""
    everything = family.everything
    right = loss = torch.zeros(len(rows.states), device=family.device)
    with torch.no_grad():
        for start in range(0, len(rows.labels), _EVALUATION_BATCH):
            batch = torch.arange(start, min(start + _EVALUATION_BATCH, len(rows.labels)), device=family.device)
            scores, labels = _scores(family, parameters, rows.taken(batch), everything), rows.labels[batch]
            right = right + (scores.argmax(dim=2) == labels).sum(dim=1)
            loss = loss + torch.stack([cross_entropy(layer, labels, reduction="sum") for layer in scores])
    return (right / len(rows.labels)).cpu().numpy(), (loss / len(rows.labels)).cpu().numpy()


class _Best:
    """Copies of the best parameters of every layer; the live parameters keep changing."""

    def __init__(self, parameters: Parameters, layers: int) -> None:
        self._parameters = {name: value.detach().clone() for name, value in parameters.items()}
        self._step = np.zeros(layers, dtype=np.int64)
        self._accuracy = np.zeros(layers)
        self._loss = np.full(layers, np.inf)
        self.stale = 0

    def offer(self, step: int, parameters: Parameters, accuracy: np.ndarray, loss: np.ndarray) -> None:
        """Keep the layers [L] whose validation accuracy is higher, or equal with a lower loss."""
        tie = (accuracy == self._accuracy) & (loss < self._loss)
        better = (accuracy > self._accuracy) | tie
        self.stale = 0 if better.any() else self.stale + 1
        self._accuracy[better], self._loss[better] = accuracy[better], loss[better]
        self.keep(better, step, parameters)

    def keep(self, layers: np.ndarray, step: int, parameters: Parameters) -> None:
        """Copy the parameters of some layers, bool [L], as those of a step."""
        if not layers.any():
            return
        chosen = torch.from_numpy(np.flatnonzero(layers))
        for name, value in parameters.items():
            there = chosen.to(value.device)
            self._parameters[name][there] = value.detach()[there]
        self._step[layers] = step

    def trained(self) -> Trained:
        """Return the best parameters of every layer, with their steps and scores."""
        return Trained(self._parameters, self._step, self._accuracy, self._loss)


def _optimiser(parameters: Parameters, learning_rate: float, settings: Settings) -> torch.optim.Optimizer:
    angles = {
        "frequency": learning_rate * settings.frequency_rate,
        "phase": learning_rate,
    }
    others = [value for name, value in parameters.items() if name not in _ANGLES]
    groups = [{"params": others, "weight_decay": settings.weight_decay}]
    groups += [{"params": [parameters[name]], "lr": rate} for name, rate in angles.items() if name in parameters]
    return torch.optim.Adam(groups, lr=learning_rate, betas=(0.9, settings.adam_beta2), fused=True)


def _schedule(settings: Settings, steps: int) -> Callable[[int], float]:
    def factor(step: int) -> float:
        if settings.warm_steps:
            return 1 - (1 - settings.final_rate) * min(1.0, step / settings.warm_steps)
        cosine = float(np.cos(np.pi * step / steps))
        return settings.final_rate + (1 - settings.final_rate) * 0.5 * (1 + cosine)

    return factor


def _scores(family: Family, parameters: Parameters, states: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    latent = family.latent(parameters, states)
    return latent @ family.classes(parameters, chosen).transpose(1, 2)


def _loss(
    family: Family,
    parameters: Parameters,
    states: torch.Tensor,
    seen: torch.Tensor,
    target: torch.Tensor,
    l1: float,
) -> torch.Tensor:
    """Return the sum over layers; parameters are separate, so each layer's gradient is that of its own mean loss."""
    scores = _scores(family, parameters, states, seen)
    layers = len(states)
    loss = cross_entropy(scores.flatten(0, 1), target.repeat(layers), reduction="sum") / len(target)
    if not l1:
        return loss
    return loss + l1 * sum((value.abs().sum() for value in _penalised(family, parameters)), torch.zeros(()))


def _penalised(family: Family, parameters: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    if family.settings.penalise_all:
        return list(parameters.values())
    skipped = {"bias", "basis_bias", "hidden_bias", *_ANGLES}
    return [value for name, value in parameters.items() if name not in skipped]
