"""Settings of the probes that are trained by gradient descent."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from math import pi
from typing import Any

from numprobe.errors import NumprobeError

#: Probes that are trained by gradient descent; the others are fitted in closed form.
ITERATIVE = ("sinusoidal", "wave", "mlp")


@dataclass(frozen=True)
class Settings:
    """Architecture and training settings of an iterative probe.

    Attributes
    ----------
    latent
        Width of the shared latent space (`sinusoidal`), of the hidden layer (`mlp`), or the number of waves (`wave`).
    basis
        `sinusoidal` only. "positional": sines and cosines whose periods form a geometric series; "fourier": all
        whole numbers of cycles per range.
    shortest_period, longest_period
        Periods of the positional basis, in numbers. `wave` uses only the shortest: its initial frequencies are
        evenly spaced, starting at one cycle over all numbers.
    learning_rates, l1
        Candidates; every pair is trained, and validation values choose. `l1` multiplies the sum of absolute weights.
    weight_decay
        Adam's coupled weight decay of all parameters but frequencies and phases.
    frequency_rate
        Learning rate of the waves' frequencies (cycles per number), relative to that of the other parameters.
    amplitude
        Initial amplitude of the waves.
    steps, batch
        Gradient steps, and rows per step, drawn with replacement.
    warm_steps, final_rate
        The learning rate falls to `final_rate` times itself: linearly over `warm_steps` steps, or along a cosine over
        all steps if `warm_steps` is 0.
    adam_beta2
        Decay rate of Adam's second moment.
    evaluate_every, patience
        Steps between evaluations on validation values, and evaluations without improvement in any layer that end the
        training (0: never).
    standardise
        Centre states by the training mean and divide them by one scale.
    penalise_all
        Whether `l1` applies to biases too.
    published
        Whether these are the paper's settings.
    """

    latent: int = 100
    basis: str = "positional"
    shortest_period: float = 2 * pi
    longest_period: float = 2000 * pi
    learning_rates: tuple[float, ...] = (3e-2,)
    l1: tuple[float, ...] = (1e-3,)
    weight_decay: float = 0.0
    frequency_rate: float = 1e-2
    amplitude: float = 1e-2
    steps: int = 100
    batch: int = 128
    warm_steps: int = 0
    final_rate: float = 0.0
    adam_beta2: float = 0.99
    evaluate_every: int = 50
    patience: int = 0
    standardise: bool = True
    penalise_all: bool = False
    published: bool = False

    @property
    def candidates(self) -> tuple[tuple[float, float], ...]:
        """All pairs (learning rate, l1)."""
        return tuple(product(self.learning_rates, self.l1))


#: Defaults, fast enough for every layer. The ranges were chosen on held-out values of fold 0 with seed 0 (small models,
#: the pretrained encoder), so that fold is slightly optimistic; within the ranges, validation values choose.
DEFAULTS = {
    "sinusoidal": Settings(steps=150, learning_rates=(1e-2, 3e-2)),
    "wave": Settings(latent=500, shortest_period=2.0, l1=(3e-3, 1e-2)),
    "mlp": Settings(latent=500, steps=200, learning_rates=(3e-3, 1e-2), l1=(1e-4,)),
}

#: The published settings of arXiv 2510.26285 and its predecessor arXiv 2506.08966. `sinusoidal`: Adam at 1e-3, L1 of
#: 1e-3 on all parameters, 10,001 steps of 1024 rows, validation every 500. `wave`: 500 waves of amplitude 0, Adam at
#: 1e-4 falling linearly to a tenth over 15,000 of 30,001 steps of 64 rows, weight decay 1e-3, validation every 1000.
#: Neither standardises the states nor stops early.
PUBLISHED = {
    "sinusoidal": Settings(
        learning_rates=(1e-3,),
        l1=(1e-3,),
        steps=10_001,
        batch=1024,
        warm_steps=1,
        final_rate=1.0,
        adam_beta2=0.999,
        evaluate_every=500,
        standardise=False,
        penalise_all=True,
        published=True,
    ),
    "wave": Settings(
        latent=500,
        shortest_period=2.0,
        learning_rates=(1e-4,),
        l1=(0.0,),
        weight_decay=1e-3,
        frequency_rate=1.0,
        amplitude=0.0,
        steps=30_001,
        batch=64,
        warm_steps=15_000,
        final_rate=0.1,
        adam_beta2=0.999,
        evaluate_every=1000,
        standardise=False,
        published=True,
    ),
}

#: Changes to the published settings of `sinusoidal` for embedding matrices (arXiv 2506.08966): Adam's decay of 1e-3 and
#: no L1, at most 50,000 steps, validation every 100, early stopping after 50 evaluations without improvement. The
#: paper's steps use all rows; ours draw as many as there are numbers.
PUBLISHED_FOR_EMBEDDINGS: dict[str, Any] = {
    "published": True,
    "l1": 0.0,
    "weight_decay": 1e-3,
    "steps": 50_000,
    "batch": 1000,
    "evaluate_every": 100,
    "patience": 50,
}


def make_settings(kind: str, given: Mapping[str, Any]) -> Settings:
    """Return the settings of a kind of probe: its defaults (published ones if `published: true`), changed by `given`.

    Raises
    ------
    NumprobeError
        If the kind or a key is unknown, or a value is not of the key's type.
    """
    if kind not in DEFAULTS:
        raise NumprobeError(f"there is no iterative probe '{kind}': choose from {', '.join(DEFAULTS)}")
    if given.get("published") and kind not in PUBLISHED:
        raise NumprobeError(f"{kind}: there are no published settings, so `published` must be false")
    base = (PUBLISHED if given.get("published") else DEFAULTS)[kind]
    changes = {key: _checked(kind, base, key, value) for key, value in given.items()}
    settings = replace(base, **changes)
    if settings.basis not in ("positional", "fourier"):
        raise NumprobeError(f"{kind}: basis must be positional or fourier, not '{settings.basis}'")
    return settings


def _checked(kind: str, base: Settings, key: str, value: Any) -> Any:
    known = [field.name for field in fields(Settings)]
    if key not in known:
        raise NumprobeError(f"{kind}: there is no setting '{key}': choose from {', '.join(known)}")
    wanted = type(getattr(base, key))
    if wanted is tuple:
        value = tuple(value) if isinstance(value, list | tuple) else (value,)
        wanted, items = float, value
    else:
        items = (value,)
    accepted = (int, float) if wanted is float else (wanted,)
    if not items or not all(
        isinstance(item, accepted) and isinstance(item, bool) == (wanted is bool) for item in items
    ):
        raise NumprobeError(f"{kind}: setting '{key}' must be {wanted.__name__}, not {value!r}")
    return value
