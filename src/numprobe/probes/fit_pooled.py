"""Fit one `fourier` probe for many states: all layers of a model, or all but one, in one context or several.

Weights, shrinkage, penalty and the normalisation are chosen on inner groups of training values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.closed_form import PENALTIES, Target, Tensors, fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.pooled import Place, Pool, Standard, leaving_one_out
from numprobe.probes.probe import Probe
from numprobe.probes.statistics import Statistics
from numprobe.splits import Fold, Split

KIND = "fourier"
_OWN = ("mean", "scale")

#: (layer, fold)
Where = tuple[str, str]
Fitted = dict[Where, Tensors]


def number_target(split: Split, control: str, seed: int) -> Target:
    """Return the code to fit, with true or shuffled labels."""
    labels = control_labels(control, split.values, split, seed)
    return make_target(make_code(KIND, split.minimum, split.maximum), labels, split.minimum)


def fit_everywhere(
    pool: Pool, fitted_layers: Sequence[str], folds: Sequence[Fold], targets: Sequence[Target], normalisation: str
) -> list[Fitted]:
    """Fit ONE probe for all states of the pool.

    Parameters
    ----------
    pool
        The states.
    fitted_layers
        Layers whose rows are fitted; the others are read too, with their own mean and scale.
    folds
        Folds to fit.
    targets
        Codes, with true or shuffled labels.
    normalisation
        One of `numprobe.probes.pooled.NORMALISATIONS`.

    Returns
    -------
    Per target, arrays for every layer of the pool; within a fold, layers share all arrays but mean and scale.

    Raises
    ------
    NumprobeError
        If no layer is left to fit on.
    """
    chosen = [layer for layer in pool.layers if layer in fitted_layers]
    if not chosen:
        raise NumprobeError(f"no layer is left to fit on: the states that vary are {', '.join(pool.layers) or 'none'}")
    fitted: list[Fitted] = [{} for _ in targets]
    for frame in _frames(pool, folds, normalisation):
        total = reduce(add, map(pool.loader(frame.standards), chosen))
        _extend(fitted, frame, pool.layers, _fit(total, pool.split, targets, frame.folds))
    return fitted


def fit_left_out(pool: Pool, folds: Sequence[Fold], targets: Sequence[Target], normalisation: str) -> list[Fitted]:
    """Fit for every layer the probe that reads it, on all OTHER layers of the pool.

    Without normalisation, the layer is read with the mean and the scale of the others; otherwise with its own mean and
    scale over the training values, which need no labels.

    Parameters and result as `fit_everywhere`; at least two layers are needed.
    """
    fitted: list[Fitted] = [{} for _ in targets]
    for frame in _frames(pool, folds, normalisation):
        for layer, total in leaving_one_out(pool.layers, pool.loader(frame.standards)):
            _extend(fitted, frame, [layer], _fit(total, pool.split, targets, frame.folds))
    return fitted


def best_normalisations(variants: Mapping[str, Fitted]) -> dict[Where, str]:
    """Return for every layer and fold the normalisation with the most information about inner held-out values.

    Parameters
    ----------
    variants
        Normalisation -> fit with it on true labels; the first of equals is chosen.
    """
    return {
        where: max(variants, key=lambda name: float(variants[name][where]["information"][0]))
        for where in next(iter(variants.values()))
    }


def select(variants: Mapping[str, Fitted], chosen: Mapping[Where, str]) -> Fitted:
    """Return the fit with the chosen normalisation for every layer and fold."""
    return {where: variants[name][where] for where, name in chosen.items()}


def pooled_probe(pool: Pool, fitted: Fitted, folds: Sequence[Fold], metadata: Mapping[str, Any]) -> Probe:
    """Return the fit as a probe.

    Parameters
    ----------
    pool
        The states that it reads.
    fitted
        Arrays for every layer of the pool and every fold.
    folds
        All folds, in order.
    metadata
        Metadata besides those of the training rows: `split`, `control`, `normalisation`, `provenance`.
    """
    first = pool.rows[pool.contexts[0]]
    several = {"contexts": list(pool.contexts)}
    context = pool.contexts[0] if len(pool.contexts) == 1 else "universal"
    return Probe(
        kind=KIND,
        numbers=pool.split.values,
        layers=pool.layers,
        folds=tuple(fold.name for fold in folds),
        constant=pool.constant,
        width=first.width,
        metadata={
            **first.described, **several, "context": context, "settings": {"penalties": PENALTIES}, **metadata
        },
        tensors=fitted,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Frame:
    """Folds with the same normalisation: `standards`, or `general` for states of unknown context."""

    folds: Sequence[Fold]
    contexts: Sequence[str]
    standards: Mapping[Place, Standard] | None
    general: Mapping[str, Standard] | None


def _frames(pool: Pool, folds: Sequence[Fold], normalisation: str) -> Iterator[_Frame]:
    """Yield one frame per fold, whose training values set the normalisation, or without it one for all folds."""
    if pool.standards(folds[0].train, normalisation) is None:
        yield _Frame(folds, pool.contexts, None, None)
        return
    for fold in folds:
        general = pool.layer_standards(fold.train) if normalisation == "layer_context" else None
        yield _Frame([fold], pool.contexts, pool.standards(fold.train, normalisation), general)


def _fit(total: Statistics, split: Split, targets: Sequence[Target], folds: Sequence[Fold]) -> list[dict[str, Tensors]]:
    fitted = fit_layer(total, split, targets, folds)
    if fitted is None:
        raise NumprobeError("the states of all layers together are one vector, so there is nothing to read")
    return fitted


def _extend(fitted: list[Fitted], frame: _Frame, layers: Sequence[str], found: list[dict[str, Tensors]]) -> None:
    for result, by_fold in zip(fitted, found, strict=True):
        for fold, shared in by_fold.items():
            result |= {(layer, fold): _onto(shared, layer, frame) for layer in layers}


def _onto(shared: Tensors, layer: str, frame: _Frame) -> Tensors:
    """Return the arrays of a layer: those of the fit, preceded by the layer's normalisation."""
    if frame.standards is None:
        return shared
    weights = {name: array for name, array in shared.items() if name not in _OWN}
    if frame.general is None:
        return weights | _composed(shared, frame.standards[layer, frame.contexts[0]], "")
    result = weights | _composed(shared, frame.general[layer], "")
    for context in frame.contexts:
        result |= _composed(shared, frame.standards[layer, context], f"@{context}")
    return result


def _composed(shared: Tensors, standard: Standard, ending: str) -> Tensors:
    """Return mean and scale of the composed map ((x - mean) / scale - fitted mean) / fitted scale."""
    mean = standard.mean + standard.scale * shared["mean"]
    return {f"mean{ending}": mean, f"scale{ending}": np.asarray(standard.scale * shared["scale"])}
