"""Fit the universal probe of a model: one for all layers and all contexts that read a number at its own token."""

from collections.abc import Mapping, Sequence
from typing import Any

from numprobe.experiments.given import Given
from numprobe.probes.dataset import TrainingRows, describe_split, training_rows, whole_fold
from numprobe.probes.fit_pooled import KIND, best_normalisations, fit_everywhere, number_target, pooled_probe, select
from numprobe.probes.pooled import NORMALISATIONS, Pool
from numprobe.probes.probe import Probe
from numprobe.splits import Split

#: Scope of probes that are fitted on all contexts, in the names of their files.
EVERYWHERE = "all"


def fit_universal_probe(given: Given) -> None:
    """Fit the universal probe of a run, its control and its variants, and save them."""
    split = given.split
    rows = {context: training_rows(folder, split) for context, folder in given.by_context("states").items()}
    described = describe_split(split, [whole_fold(split), *split.folds])
    metadata = {"split": described, "provenance": given.provenance}
    leave_out = [str(layer) for layer in given.values["leave_out"]]
    probes = fit_universal(rows, split, given.values["controls"], leave_out, split.seed, metadata)
    for name, probe in probes.items():
        probe.save(given.outputs["probes"] / f"{name}.safetensors")


def fit_universal(
    rows: Mapping[str, TrainingRows],
    split: Split,
    controls: Sequence[str],
    leave_out: Sequence[str],
    seed: int,
    metadata: Mapping[str, Any],
) -> dict[str, Probe]:
    """Fit the universal probe, its controls, and the probes that it is compared with.

    Parameters
    ----------
    rows
        Context -> its training rows.
    split
        Values, blocks and folds; the fold "all" is added.
    controls
        Controls of labels, such as "shuffled".
    leave_out
        Layers that are not fitted; they are read with their own mean and scale or, without normalisation,
        with those of the others.
    seed
        The study's seed.
    metadata
        Stored in every probe.

    Returns
    -------
    File name without ending -> probe. "fourier": for each fold the normalisation that inner values chose (metadata
    `normalisation`, fold -> name); "fourier.shuffled" with the same normalisations; "variants/{scope}.{normalisation}":
    every normalisation on its own, fitted on one context or on "all".
    """
    probes: dict[str, Probe] = {}
    for context, part in rows.items():
        variants, _ = _fit(Pool({context: part}, split), ("none", "layer"), [], leave_out, seed, metadata)
        probes |= {f"variants/{context}.{name}": probe for name, probe in variants.items()}
    variants, chosen = _fit(Pool(rows, split), NORMALISATIONS, controls, leave_out, seed, metadata)
    return probes | {f"variants/{EVERYWHERE}.{name}": probe for name, probe in variants.items()} | chosen


def _fit(
    pool: Pool,
    normalisations: Sequence[str],
    controls: Sequence[str],
    leave_out: Sequence[str],
    seed: int,
    metadata: Mapping[str, Any],
) -> tuple[dict[str, Probe], dict[str, Probe]]:
    """Return normalisation -> probe, and file name -> probe of each fold's best normalisation, with its controls."""
    folds = [whole_fold(pool.split), *pool.split.folds]
    fitted_layers = [layer for layer in pool.layers if layer not in leave_out]
    targets = [number_target(pool.split, control, seed) for control in ("none", *controls)]
    variants = {name: fit_everywhere(pool, fitted_layers, folds, targets, name) for name in normalisations}
    best = best_normalisations({name: fitted[0] for name, fitted in variants.items()})
    described = {**metadata, "fitted_layers": fitted_layers}
    probes = {
        name: pooled_probe(pool, fitted[0], folds, {**described, "control": "none", "normalisation": name})
        for name, fitted in variants.items()
    }
    by_fold = {fold: name for (_, fold), name in best.items()}
    chosen = {}
    for place, control in enumerate(("none", *controls)):
        tensors = select({name: fitted[place] for name, fitted in variants.items()}, best)
        told = {**described, "control": control, "normalisation": by_fold}
        chosen[KIND if control == "none" else f"{KIND}.{control}"] = pooled_probe(pool, tensors, folds, told)
    return probes, chosen
