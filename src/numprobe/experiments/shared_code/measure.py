"""Accuracy of a number code that was learned on other models, on numbers that its map never saw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.experiments.given import Given
from numprobe.experiments.shared_code.number_code import (
    Evidence,
    HalfReader,
    NumberCode,
    Numbers,
    learn_code,
    pool,
    reassign,
)
from numprobe.measure.accuracy import accuracy_row, single_token_ranges
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.halves import make_halves
from numprobe.sealed import read_sealed_json
from numprobe.seeding import derive_seed, generator
from numprobe.splits import Fold, Split
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row, read_table

#: Columns of the table beside the shared ones: whose code was read with, and the models from which it was learned.
EXTRA = {"code": pl.String, "source": pl.String}
#: The columns of an evidence file (docs/files.md).
EVIDENCE = pl.Schema(
    {
        "context": pl.String,
        "layer": pl.String,
        "draw": pl.Int32,
        "half": pl.String,
        "control": pl.String,
        "column": pl.Int32,
        "product": pl.Float32,
        "square": pl.Float32,
        "variance": pl.Float32,
        "values": pl.Int32,
    }
)
PROBE = "fourier"
#: Codes of the table column `code`.
SHARED, ONE, OWN, SHUFFLED, RANDOM, UNWEIGHTED = "shared", "one model", "own", "shuffled", "random", "unweighted"
#: Models with fewer numbers are left out: halves of inner groups would have no values to learn from.
FEWEST = 40

#: (draw, half, control) -> evidence
Learned = dict[tuple[int, str, str], Evidence]


@dataclass(frozen=True)
class Halves:
    """The candidates minimum..maximum, and how often (draws) they are divided into halves."""

    minimum: int
    maximum: int
    draws: tuple[int, ...]
    seed: int

    def parts(self) -> Iterator[tuple[int, Split, Fold]]:
        """Yield every draw with each of its halves to train on."""
        for draw in self.draws:
            split = make_halves(self.minimum, self.maximum, self.seed, draw)
            yield from ((draw, split, fold) for fold in split.folds)

    @property
    def columns(self) -> np.ndarray:
        """Return all columns of the Fourier code, float64 [N, c]."""
        return make_code(PROBE, self.minimum, self.maximum).matrix


def learn_codes(given: Given) -> None:
    """Write the evidence of a model: how well each column of the Fourier code is predicted from its states."""
    given.write(evidence_table(given.by_context("states"), given.run, _halves(given)), "evidence")


def evaluate_shared_code(given: Given) -> None:
    """Write the table of a model: what codes that were learned on other models read in its states."""
    halves = _halves(given)
    tables = zip(given.values["sources"], map(read_table, given.inputs["evidence"]), strict=True)
    sources = {name: pooled_evidence(table) for name, table in tables}
    ranges = single_token_ranges(read_sealed_json(given.file("card")), halves.minimum, halves.maximum)
    rows = shared_code_rows(given.by_context("states"), sources, given.run, halves, ranges)
    untrained = given.by_context("untrained")
    if untrained:
        rows += untrained_rows(untrained, sources, given.run, halves)
    given.write_rows(rows, EXTRA)


def _halves(given: Given) -> Halves:
    minimum, maximum = given.values["numbers"]
    return Halves(minimum, maximum, tuple(range(given.values["draws"])), given.values["seed"])


def evidence_table(folders: Mapping[str, Path], model: str, halves: Halves) -> pl.DataFrame:
    """Return the fit of every column of the Fourier code to every state of a model, half by half.

    Parameters
    ----------
    folders
        Context -> activation folder.
    model
        Its name, which seeds the permutation of the control `shuffled`.
    halves
        How the values are divided.

    Returns
    -------
    With the columns `EVIDENCE`; no rows if the model has fewer than `FEWEST` numbers.
    """
    parts = []
    for context, layer, numbers in _states(folders, halves):
        if not isinstance(numbers, Numbers):
            continue
        for draw, split, fold in halves.parts():
            for control in ("none", "shuffled"):
                labels = control_labels(control, split.values, split, derive_seed(halves.seed, "codes", model))
                reader = HalfReader(numbers, halves.columns[labels - halves.minimum], split, fold)
                names = {"context": context, "layer": layer, "draw": draw, "half": fold.name, "control": control}
                parts.append(_evidence_frame(reader.best_evidence, names))
    return pl.concat(parts) if parts else pl.DataFrame(schema=EVIDENCE)


def _evidence_frame(evidence: Evidence, names: Row) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "column": np.arange(len(evidence.product)),
            "product": evidence.product,
            "square": evidence.square,
            "variance": evidence.variance,
        }
    ).with_columns(
        pl.lit(evidence.values).alias("values"), *(pl.lit(value).alias(name) for name, value in names.items())
    )
    return frame.select(EVIDENCE.names()).cast(EVIDENCE)


def pooled_evidence(table: pl.DataFrame) -> Learned:
    """Return the evidence of all states of a model together, every context and layer with equal weight."""
    pooled: Learned = {}
    for part in table.partition_by("draw", "half", "control", maintain_order=True):
        states = part.partition_by("context", "layer", maintain_order=True)
        key = (int(part["draw"][0]), str(part["half"][0]), str(part["control"][0]))
        pooled[key] = pool([_evidence(state.sort("column")) for state in states])
    return pooled


def _evidence(state: pl.DataFrame) -> Evidence:
    product, square, variance = (
        state[name].to_numpy().astype(np.float64) for name in ("product", "square", "variance")
    )
    return Evidence(product, square, variance, int(state["values"][0]))


def shared_code_rows(
    folders: Mapping[str, Path],
    sources: Mapping[str, Learned],
    model: str,
    halves: Halves,
    ranges: Sequence[tuple[int, int]],
) -> list[Row]:
    """Measure the accuracy of every code in every state of the target model.

    Parameters
    ----------
    folders
        Context -> activation folder of the target.
    sources
        Other models, none of them a relative of the target -> what `pooled_evidence` says of them.
    model
        The target's name, which seeds the random columns.
    halves
        How the values are divided: as for the sources.
    ranges
        (first, last) of ranges of numbers that are subsets of their own.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model`.

    Raises
    ------
    NumprobeError
        If no source is given, or one has no evidence for these halves.
    """
    known = {name: learned for name, learned in sources.items() if learned}
    if not known:
        raise NumprobeError(f"{model}: no other model has enough numbers to learn a code from; add one")
    codes = {(draw, fold.name): _codes(known, model, draw, fold.name, halves) for draw, _, fold in halves.parts()}
    rows: list[Row] = []
    for context, layer, numbers in _states(folders, halves):
        names = {"context": context, "layer": layer, "probe": PROBE, "seed": halves.seed}
        if not isinstance(numbers, Numbers):
            rows.append({**names, "metric": "accuracy", **numbers})
            continue
        readings = _readings(numbers, codes, halves)
        rows += [{**names, **row} for row in _scored(readings, ranges, halves)]
    return rows


def untrained_rows(
    folders: Mapping[str, Path], sources: Mapping[str, Learned], model: str, halves: Halves
) -> list[Row]:
    """Return the readings of the shared code in the target's untrained control; parameters as `shared_code_rows`."""
    rows = shared_code_rows(folders, sources, model, halves, ())
    return [{**row, "control": "untrained"} for row in rows if row.get("code") == SHARED]


def _states(folders: Mapping[str, Path], halves: Halves) -> Iterator[tuple[str, str, Numbers | dict[str, str]]]:
    """Yield context, layer and the states, or the columns that say why they cannot be read."""
    for context, folder in folders.items():
        values = read_positions(folder, ["number"])["number"].to_numpy().astype(np.int64)
        used = np.flatnonzero((values >= halves.minimum) & (values <= halves.maximum))
        for state in read_manifest(folder)["states"]:
            if len(used) < FEWEST:
                yield context, state["layer"], not_applicable(f"fewer than {FEWEST} numbers")
                continue
            numbers = Numbers(read_states(folder, state["layer"])[used], values[used])
            yield context, state["layer"], constant_state() if numbers.constant else numbers


#: (code, source) -> code
Codes = dict[tuple[str, str], NumberCode]


def _codes(sources: Mapping[str, Learned], model: str, draw: int, half: str, halves: Halves) -> Codes:
    """Return all codes that are known before the target is read."""
    together = " + ".join(sources)
    shared = learn_code(pool([learned[draw, half, "none"] for learned in sources.values()]))
    shuffled = pool([learned[draw, half, "shuffled"] for learned in sources.values()]).explained
    count = halves.columns.shape[1]
    random = generator(halves.seed, "shared_code", model, draw, half).permutation(count)
    singles = {(ONE, name): learn_code(learned[draw, half, "none"]) for name, learned in sources.items()}
    return {
        (SHARED, together): shared,
        **singles,
        (SHUFFLED, together): reassign(shared, np.argsort(-shuffled, kind="stable")),
        (RANDOM, ""): reassign(shared, random),
        (UNWEIGHTED, ""): NumberCode(np.arange(count), np.ones(count)),
    }


def _readings(
    numbers: Numbers, codes: Mapping[tuple[int, str], Codes], halves: Halves
) -> dict[tuple[str, str], pl.DataFrame]:
    """Return, by code, every number once in each draw: columns `number`, `label`, `decoded`."""
    frames: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for draw, split, fold in halves.parts():
        reader = HalfReader(numbers, halves.columns, split, fold)
        own = {(OWN, ""): learn_code(reader.best_evidence)}
        for key, code in {**codes[draw, fold.name], **own}.items():
            decoded = reader.read(code, halves.minimum)
            columns = {"number": reader.tested, "label": reader.tested, "decoded": decoded}
            frames.setdefault(key, []).append(pl.DataFrame(columns))
    return {key: pl.concat(parts) for key, parts in frames.items()}


_CONTROLS = {SHUFFLED: "shuffled", RANDOM: "random", UNWEIGHTED: "unweighted"}


def _scored(
    readings: Mapping[tuple[str, str], pl.DataFrame], ranges: Iterable[tuple[int, int]], halves: Halves
) -> Iterator[Row]:
    note = f"{len(halves.draws)} draws of halves; one prompt per draw"
    for (code, source), frame in readings.items():
        names = {"code": code, "source": source or None, "control": _CONTROLS.get(code, "none"), "note": note}
        for subset, part in [("all", frame), *_subsets(frame, ranges)]:
            yield {**names, "subset": subset, **accuracy_row(part, halves.seed)}


def _subsets(frame: pl.DataFrame, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[str, pl.DataFrame]]:
    for first, last in ranges:
        part = frame.filter(pl.col("number").is_between(first, last))
        if part.height:
            yield f"values={first}..{last}", part
