"""Numbers of several tokens: every token's value from one state, whole numbers, and the product of the tokens."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.experiments.given import Given
from numprobe.experiments.multi_token.pigeonhole import Estimate, whole_numbers
from numprobe.intervals import accuracy_interval
from numprobe.probes.controls import control_labels
from numprobe.probes.held_out import Reading, inner_accuracy, read_held_out
from numprobe.splits import Split, make_split
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row

#: Columns beside those of all measurements.
EXTRA = {"position": pl.String, "tokens": pl.UInt8, "chunk": pl.UInt8, "probe_layers": pl.String}
#: `position` of readings in the layer and position that each fold chose on inner values.
SELECTED = "selected"
PROBE = "fourier"

# Fewer rows per fold than this, or fewer candidates, say nothing.
_ROWS_PER_FOLD = 20
_LEAST_CANDIDATES = 100


@dataclass(frozen=True, eq=False)
class _Group:
    """Numbers of one format and one number of tokens.

    `values` int64 [rows, places], leading token first; `digits` int64 [rows]; `rows`: position -> indices into the
    states, in the order of `values`.
    """

    name: str
    values: np.ndarray
    digits: np.ndarray
    rows: Mapping[str, np.ndarray]

    @property
    def places(self) -> int:
        """Tokens of each number."""
        return int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class _State:
    """Readings of a group in one state: one per place, leading token first; None where it is constant.

    `inner` float64 [folds]: the product over the places of the accuracies on inner values.
    """

    layer: str
    position: str
    plain: list[Reading] | None
    shuffled: list[Reading] | None
    inner: np.ndarray


@dataclass(frozen=True)
class _Settings:
    split: Split
    shuffled: np.ndarray | None
    resamples: int
    seed: int
    control: str = "none"


def evaluate_chunks(given: Given) -> None:
    """Write the table of a model, or of its untrained control."""
    values = given.values
    rows = chunk_rows(
        given.folder("states"),
        values["tokens"],
        values["folds"],
        values["inner"],
        values["controls"],
        given.control,
        values["resamples"],
        values["seed"],
    )
    given.write_rows(({"context": "multi_token", **row} for row in rows), EXTRA)


def chunk_rows(
    folder: str | Path,
    most_tokens: int,
    folds: int,
    inner: int,
    controls: Iterable[str],
    control: str,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Return the measurements of one model.

    Parameters
    ----------
    folder
        `results/activations/{model}/multi_token`.
    most_tokens
        The longest numbers that are read.
    folds, inner
        Folds of the chunk values, and inner groups that choose the hyper-parameters.
    controls
        With "shuffled", every probe is fitted on permuted values too.
    control
        "untrained" if the model is an untrained control.
    resamples, seed
        Of the bootstrap over values; the seed also decides the folds.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `EXTRA`, without `model`: `accuracy` of every token
    (`chunk`: how many tokens before the number's last), `joint_accuracy`, `product_accuracy` and `joint_minus_product`
    of the whole number. `position` is "last", "next", or "selected".

    Raises
    ------
    NumprobeError
        If the folder is incomplete.
    """
    positions = read_positions(folder, ["numeral"])
    digits = int(positions["widths"].list.max().max())  # type: ignore[arg-type]
    if 10**digits < _LEAST_CANDIDATES:
        return [{"control": control, "metric": "accuracy", **not_applicable("every token is one digit")}]
    split = make_split(0, 10**digits - 1, "folds", folds, inner, seed)
    shuffled = control_labels("shuffled", split.values, split, seed) if "shuffled" in controls else None
    settings = _Settings(split, shuffled, resamples, seed, control)
    states = {state["layer"]: state for state in read_manifest(folder)["states"]}
    groups = list(_groups(positions, most_tokens, folds))
    if not groups:
        raise NumprobeError(f"{folder} has too few numbers of any length for {folds} folds: use more rows")
    read: dict[str, list[_State]] = {_key(group): [] for group in groups}
    for layer in states:
        vectors = read_states(folder, layer)
        for group in groups:
            read[_key(group)] += _read_layer(vectors, layer, group, settings)
    return [row for group in groups for row in _group_rows(group, read[_key(group)], settings)]


def _key(group: _Group) -> str:
    return f"{group.name} {group.places}"


def _groups(positions: pl.DataFrame, most_tokens: int, folds: int) -> Iterator[_Group]:
    counted = positions.with_columns(tokens=pl.col("chunks").list.len(), digits=pl.col("numeral").str.len_chars())
    for (name, tokens), part in counted.sort("tokens").group_by("format", "tokens", maintain_order=True):
        # All prompts of a format have the same positions, so the rows of each correspond.
        rows = {str(at): found.sort("prompt") for (at,), found in part.group_by("position", maintain_order=True)}
        one = next(iter(rows.values()))
        if int(tokens) > most_tokens or one.height < _ROWS_PER_FOLD * folds:  # type: ignore[call-overload]
            continue
        yield _Group(
            name=str(name),
            values=np.array(one["chunks"].to_list(), dtype=np.int64),
            digits=one["digits"].to_numpy().astype(np.int64),
            rows={at: found["row"].to_numpy().astype(np.int64) for at, found in rows.items()},
        )


def _read_layer(vectors: np.ndarray, layer: str, group: _Group, settings: _Settings) -> Iterator[_State]:
    permutations = [None] if settings.shuffled is None else [None, settings.shuffled]
    for position, rows in group.rows.items():
        places = [
            read_held_out(vectors[rows], values, settings.split, PROBE, permutations) for values in group.values.T
        ]
        found = [place for place in places if place is not None]
        plain = [place[0] for place in found] if found else None
        shuffled = [place[-1] for place in found] if found and settings.shuffled is not None else None
        inner = [inner_accuracy(vectors[rows], values, settings.split, PROBE) for values in group.values.T]
        yield _State(layer, position, plain, shuffled, np.prod(inner, axis=0))


def _group_rows(group: _Group, states: list[_State], settings: _Settings) -> Iterator[Row]:
    common = {"context": group.name, "tokens": group.places, "probe": PROBE, "seed": settings.seed}
    for state in states:
        if state.plain is None:
            empty = {"layer": state.layer, "position": state.position, "control": settings.control}
            yield {**common, **empty, "metric": "accuracy", **constant_state()}
    kept = [state for state in states if state.plain is not None]
    if not kept:
        return
    places = [{"layer": state.layer, "position": state.position} for state in kept]
    plain = [state.plain or [] for state in kept]
    chosen, described = _choose(kept)
    best = {"position": SELECTED, "probe_layers": described}
    yield from _measured(group, [*places, best], [*plain, _mixed(group, plain, chosen, settings.split)],
                         common | {"control": settings.control}, settings)  # fmt: skip
    if settings.shuffled is not None:
        permuted = [state.shuffled or [] for state in kept]
        mixed = _mixed(group, permuted, chosen, settings.split)
        yield from _measured(group, [*places, best], [*permuted, mixed], common | {"control": "shuffled"}, settings)
    if settings.control == "none":
        named = common | {"probe": "constant", "control": "constant"}
        yield from _measured(group, [best], [_constant(group, settings.split)], named, settings)
    yield from _by_digits(group, _mixed(group, plain, chosen, settings.split),
                          common | best | {"control": settings.control}, settings)  # fmt: skip


def _choose(states: list[_State]) -> tuple[np.ndarray, str]:
    """Return the state with the highest product of inner accuracies by fold, int64 [folds], and their names."""
    chosen = np.array([state.inner for state in states]).argmax(axis=0)
    names = [f"{states[state].layer} {states[state].position}" for state in chosen]
    counts = {name: names.count(name) for name in sorted(set(names), key=lambda name: (-names.count(name), name))}
    return chosen, ", ".join(f"{name} ({count} of {len(names)} folds)" for name, count in counts.items())


def _mixed(group: _Group, states: list[list[Reading]], chosen: np.ndarray, split: Split) -> list[Reading]:
    """Return the readings of every row and place in the state that its own fold chose."""
    mixed = []
    for place, values in enumerate(group.values.T):
        fold = _fold_of(values, split)
        labels = np.array([readings[place].labels for readings in states])
        decoded = np.array([readings[place].decoded for readings in states])
        pick = (chosen[fold], np.arange(len(values)))
        mixed.append(Reading(labels[pick], decoded[pick]))
    return mixed


def _fold_of(values: np.ndarray, split: Split) -> np.ndarray:
    """Return the index of the fold that tests each value, int64 as `values`."""
    order = np.empty(split.n_blocks, dtype=np.int64)
    for index, fold in enumerate(split.folds):
        order[list(fold.test)] = index
    return np.asarray(order[split.block_of(values)])


def _constant(group: _Group, split: Split) -> list[Reading]:
    """Return the most frequent value of the fold's test rows at each place; the smallest of equally frequent ones."""
    found = []
    for values in group.values.T:
        fold = _fold_of(values, split)
        answers = np.array([_mode(values[fold == index]) for index in range(len(split.folds))])
        found.append(Reading(values, answers[fold]))
    return found


def _mode(values: np.ndarray) -> int:
    return int(np.bincount(values).argmax()) if len(values) else -1


def _measured(
    group: _Group, names: list[Row], states: list[list[Reading]], common: Row, settings: _Settings
) -> Iterator[Row]:
    """Yield the rows of every token and of the whole number, in every state."""
    for name, readings in zip(names, states, strict=True):
        for place, reading in enumerate(readings):
            interval = accuracy_interval(reading.labels, reading.right)
            chunk = {"chunk": group.places - 1 - place, "metric": "accuracy"}
            yield {**common, **name, **chunk, **interval.columns()}
    right = np.array([np.stack([reading.right for reading in readings], axis=1) for readings in states])
    yield from _whole(group.values, right, names, common, settings)


def _whole(values: np.ndarray, right: np.ndarray, names: list[Row], common: Row, settings: _Settings) -> Iterator[Row]:
    found = whole_numbers(values, right, settings.resamples, settings.seed)
    metrics = {
        "joint_accuracy": found.joint,
        "product_accuracy": found.product,
        "joint_minus_product": found.difference,
    }
    units = min(len(np.unique(column)) for column in values.T)
    for state, name in enumerate(names):
        for metric, estimate in metrics.items():
            size = {"n_values": units, "n_prompts": len(values)}
            yield {**common, **name, "metric": metric, **_from_estimate(estimate, state), **size}


def _by_digits(group: _Group, readings: list[Reading], common: Row, settings: _Settings) -> Iterator[Row]:
    """Yield the rows of the selected states by length in digits, where one number of tokens has several."""
    lengths = np.unique(group.digits)
    for digits in lengths if len(lengths) > 1 else []:
        rows = group.digits == digits
        right = np.stack([reading.right[rows] for reading in readings], axis=1)
        named = common | {"subset": f"digits={digits}"}
        for place, reading in enumerate(readings):
            interval = accuracy_interval(reading.labels[rows], right[:, place])
            yield {**named, "chunk": group.places - 1 - place, "metric": "accuracy", **interval.columns()}
        yield from _whole(group.values[rows], right[None], [{}], named, settings)


def _from_estimate(estimate: Estimate, state: int) -> Row:
    return {
        "value": float(estimate.value[state]),
        "ci_low": float(estimate.low[state]),
        "ci_high": float(estimate.high[state]),
        "resampled": estimate.resampled[state],
    }
