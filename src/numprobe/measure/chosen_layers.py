"""Accuracy at the layer that inner values choose for each reader, beside the controls that decide what it means.

The best of many layers is a matter of luck too. Here every fold picks its layer by the values that train it, each read
by the probe of the fold that held it out, and is judged on its own test values, which are not among them.

What is nested: the fit of each fold, its penalty and its weights (inner groups of training values), and the values that
choose its layer. What is not: the probes of the other folds, whose readings choose it, were fitted on the fold's test
values among others. These can move the choice of one out of a dozen layers, by way of other values' readings, and
nothing else; strict nesting would fit every layer again for every pair of folds, of ten folds 45 times instead of 10.
`mixed` and untrained networks choose in the same way. With one split, validation values choose: that is nested.

The information that a fit records about inner values (docs/probes.md) is no such choice: what the last token says of a
number is told exactly at layer 0, and that outweighs all that later layers tell of the whole number.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from numprobe.activations.store import read_manifest, read_positions
from numprobe.intervals import change_interval
from numprobe.measure.accuracy import accuracy_row
from numprobe.measure.origin import check_origin
from numprobe.measure.predict import PREDICTION, predict
from numprobe.probes.probe import Probe, load_probe
from numprobe.status import constant_state
from numprobe.tables import Row, read_table

#: Columns beside those of all measurements: where the probe was fitted; share of the folds that chose `layer`; tokens
#: of a number, on average (null where states are read before the number).
EXTRA = {"fit_context": pl.String, "chosen_share": pl.Float64, "tokens": pl.Float64}
_ROW = ["row", "fold"]


@dataclass(frozen=True)
class Run:
    """A model in all its contexts, or one of its controls.

    Attributes
    ----------
    control
        "none", "untrained", "untrained-2", ... or "mixed".
    folders
        Context -> activation folder.
    predictions
        Context -> table of the test rows, read by every closed-form probe in every layer.
    probes
        Context -> folder of the probes that were fitted in it, `{kind}.safetensors`.
    """

    control: str
    folders: Mapping[str, Path]
    predictions: Mapping[str, Path]
    probes: Mapping[str, Path]

    def probe(self, kind: str, context: str) -> Probe:
        """Return the probe of some kind that was fitted in a context.

        Raises
        ------
        NumprobeError
            If the file holds another probe.
        """
        path = self.probes[context] / f"{kind}.safetensors"
        found = load_probe(path)
        check_origin(path, found, read_manifest(self.folders[context]))
        return found


@dataclass(frozen=True)
class _Read:
    """Readings of a probe in some contexts, and the layers that its folds chose (none: all states are one vector)."""

    chosen: Mapping[str, int]
    readings: Mapping[str, pl.DataFrame]


def chosen_layers(readings: pl.DataFrame) -> dict[str, str]:
    """Return the layer that each fold chooses: the one in which the test values of all OTHER folds are read best.

    The earliest of equal layers. A fold is all there is where the study has one split: it chooses nothing.

    Parameters
    ----------
    readings
        Out-of-fold readings of one probe in every layer, in the order of the layers (`numprobe.measure.predict`).
    """
    return {
        fold: best
        for fold in readings["fold"].unique(maintain_order=True)
        if (best := _best_layer(readings.filter(pl.col("fold") != fold))) is not None
    }


def _best_layer(readings: pl.DataFrame) -> str | None:
    """Return the layer of the highest accuracy, every number weighing alike; None without readings."""
    right = (pl.col("label") == pl.col("decoded")).mean().alias("right")
    by_value = readings.group_by("layer", "label", maintain_order=True).agg(right)
    by_layer = by_value.group_by("layer", maintain_order=True).agg(pl.col("right").mean())
    return str(by_layer["layer"][int(by_layer["right"].to_numpy().argmax())]) if by_layer.height else None


def validated_layers(folder: str | Path, probe: Probe) -> dict[str, str]:
    """Return the layer that each fold with validation values chooses by them (the one split of the paper)."""
    split = probe.metadata["split"]
    folds = {name: {**parts, "test": parts["validation"]} for name, parts in split["folds"].items()}
    judged = replace(probe, metadata={**probe.metadata, "split": {**split, "folds": folds}})
    readings = predict(folder, [judged])
    folds_read = readings["fold"].unique(maintain_order=True)
    return {fold: str(_best_layer(readings.filter(pl.col("fold") == fold))) for fold in folds_read}


def at_chosen_layers(readings: pl.DataFrame, chosen: Mapping[str, str]) -> pl.DataFrame:
    """Return the readings of each fold at the layer that it chose."""
    choice = pl.DataFrame({"fold": list(chosen), "layer": list(chosen.values())})
    return readings.join(choice, on=["fold", "layer"], how="semi", maintain_order="left")


def chosen_layer_rows(runs: Sequence[Run], kinds: Sequence[str], transferred: Collection[str], seed: int) -> list[Row]:
    """Return accuracies of a model and its controls at the chosen layers, and what the model has over each control.

    Parameters
    ----------
    runs
        The model, then its controls.
    kinds
        Kinds of closed-form probes.
    transferred
        Those of them that read in other contexts than that of their fit, too.
    seed
        The study's seed, for the rows.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns of `EXTRA`, without `model`. Metric `accuracy`, and
    `accuracy_difference` (the model minus the control that stands in `control`, paired row by row).
    """
    found: list[Row] = []
    for kind in kinds:
        for fit_context in runs[0].folders:
            contexts = list(runs[0].folders) if kind in transferred else [fit_context]
            # The probes of one run at a time are in memory.
            read = {run.control: _read(run, kind, fit_context, contexts) for run in runs}
            for context in contexts:
                names: Row = {"probe": kind, "fit_context": fit_context, "context": context}
                names["tokens"] = _tokens(runs[0].folders[context])
                found += [{**names, **row} for row in _rows(read, context, seed)]
    return found


def _read(run: Run, kind: str, fit_context: str, contexts: Sequence[str]) -> _Read:
    plain = (pl.col("probe") == kind) & (pl.col("control") == "none")
    own = read_table(run.predictions[fit_context], PREDICTION).filter(plain)
    if own.is_empty():
        return _Read({}, {})
    chosen = chosen_layers(own) or validated_layers(run.folders[fit_context], run.probe(kind, fit_context))
    others = [context for context in contexts if context != fit_context]
    moved = _moved(run, run.probe(kind, fit_context), chosen, others) if others else {}
    counts = Counter(chosen.values())
    in_order = {layer: counts[layer] for layer in own["layer"].unique(maintain_order=True) if counts[layer]}
    return _Read(in_order, {fit_context: at_chosen_layers(own, chosen), **moved})


def _moved(run: Run, probe: Probe, chosen: Mapping[str, str], contexts: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return what a probe reads in other contexts, at the layers that its folds chose in its own."""
    wanted = replace(probe, layers=tuple(layer for layer in probe.layers if layer in chosen.values()))
    return {context: at_chosen_layers(predict(run.folders[context], [wanted]), chosen) for context in contexts}


def _rows(read: Mapping[str, _Read], context: str, seed: int) -> Iterator[Row]:
    """Accuracy of each run, then the differences; `read`: control -> what was read."""
    own = read["none"]
    for control, found in read.items():
        if not found.chosen:
            yield {"control": control, "metric": "accuracy", **constant_state(), "seed": seed}
            continue
        yield {"control": control, **_most_chosen(found), **accuracy_row(found.readings[context], seed)}
    for control, found in read.items():
        if control != "none" and own.chosen and found.chosen:
            gained = difference(own.readings[context], found.readings[context])
            yield {"control": control, **_most_chosen(own), **gained, "seed": seed}


def _most_chosen(found: _Read) -> Row:
    """Return the layer that most folds chose, the earliest of equal ones, and their share."""
    layer = max(found.chosen, key=lambda name: found.chosen[name])
    return {"layer": layer, "chosen_share": found.chosen[layer] / sum(found.chosen.values())}


def difference(own: pl.DataFrame, other: pl.DataFrame) -> Row:
    """Return the accuracy of some readings minus that of others, each row against itself; every number weighs alike.

    Parameters
    ----------
    own, other
        Readings of the same rows (`row`, `fold`, `label`, `decoded`).
    """
    right = pl.col("label") == pl.col("decoded")
    pair = own.select(*_ROW, "label", own=right).join(other.select(*_ROW, other=right), on=_ROW, how="inner")
    pair = pair.sort(_ROW)
    interval = change_interval(pair["label"].to_numpy(), pair["other"].to_numpy(), pair["own"].to_numpy())
    return {"metric": "accuracy_difference", **interval.columns()}


def _tokens(folder: Path) -> float | None:
    """Return how many tokens a number has on average; None where states are read before it."""
    positions = read_positions(folder)
    if (positions["read_at"] == "before").any():
        return None
    return float(positions["number_tokens"].cast(pl.Float64).to_numpy().mean())
