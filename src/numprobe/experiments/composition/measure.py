"""Shares of the variance between numbers: additive in their digits, of pairs of digits, of the whole number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest
from numprobe.experiments.composition.common_variance import Estimate, common, signal
from numprobe.experiments.composition.digit_spaces import Space, added_directions, digit_space, magnitude_columns
from numprobe.experiments.composition.number_halves import number_halves
from numprobe.experiments.given import Given
from numprobe.measure.accuracy import in_layers
from numprobe.status import constant_state, not_applicable, undefined
from numprobe.tables import Row

#: Columns of the table beside the shared ones: what columns are added to, and the dimensions of a part.
EXTRA = {"over": pl.String, "dimensions": pl.UInt32}
#: Lengths of numbers that are studied, in digits.
LENGTHS = (2, 3, 4)
NO_SIGNAL = "the halves of the prompts share no variance between numbers"
NOISE_FREE = "one state per number: nothing is noise"
WITHIN = "its columns lie within what they are added to"
EXPECTED = "expected for permuted numbers"
NOTHING = "nothing"
_CONSTANT = {"metric": "additive", **constant_state()}


def evaluate_composition(given: Given) -> None:
    """Write the table of a model and its controls in all contexts."""
    values, rows = given.values, []
    minimum, maximum = values["numbers"]
    for folder, control in zip(given.folders("states"), values["controls"], strict=True):
        context = read_manifest(folder)["context"]
        noise_free = context in values["one_state"]
        found = composition_rows(folder, noise_free, control, minimum, maximum, values["seed"])
        layers = values["layers"] if control == "mixed" else ()
        rows += [{"context": context, **row} for row in in_layers(found, layers)]
    given.write_rows(rows, EXTRA)


@dataclass(frozen=True, eq=False)
class Spaces:
    """The spaces in which the code of some numbers is divided.

    Attributes
    ----------
    numbers
        How many there are.
    nested
        `additive`, and `pairs` where there are numbers enough to tell it from the whole number.
    added
        (name of columns, name of the space that they are added to or `nothing`) to what they add.
    """

    numbers: int
    nested: Mapping[str, Space]
    added: Mapping[tuple[str, str], Space]

    def dimensions(self, name: str) -> int:
        """Return the dimensions of a nested space, or of `nothing`, beside the constant."""
        return 0 if name == NOTHING else self.nested[name].rank - 1


def spaces_of(numbers: np.ndarray) -> Spaces | None:
    """Return the spaces of functions of some numbers.

    Parameters
    ----------
    numbers
        int64, all of D >= 2 digits, may be none.

    Returns
    -------
    None if there are fewer than twice as many numbers as dimensions of what is additive in their digits.
    """
    if not len(numbers):
        return None
    nested: dict[str, Space] = {"additive": digit_space(numbers, 1)}
    if len(numbers) < 2 * nested["additive"].rank:
        return None
    pairs = digit_space(numbers, 2)
    # Two digits are one pair, so that nothing is left to tell it from.
    if len(numbers) >= 2 * pairs.rank or len(str(numbers[0])) == 2:
        nested["pairs"] = pairs
    onto: dict[str, Space | None] = {
        NOTHING: None,
        **{name: space for name, space in nested.items() if space.rank < len(numbers)},
    }
    columns = magnitude_columns(numbers)
    added: dict[tuple[str, str], Space] = {
        (name, over): added_directions(columns[name], space) for over, space in onto.items() for name in columns
    }
    return Spaces(len(numbers), nested, added)


def composition_rows(
    folder: str | Path, noise_free: bool, control: str, minimum: int, maximum: int, seed: int
) -> list[Row]:
    """Return the rows of the table `composition` for one model in one context (docs/files.md).

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`, of the model or of a control.
    noise_free
        Whether a state depends on nothing but the number (bare numbers, rows of a matrix).
    control
        "none", or the name of the control whose states these are.
    minimum, maximum
        Range of the study's numbers.
    seed
        The study's seed: divides the prompts into halves.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model` and `context`.

    Raises
    ------
    NumprobeError
        If the folder does not match its manifest.
    """
    halves = number_halves(folder, noise_free, seed)
    lengths = np.array([len(str(number)) for number in halves.numbers.tolist()], dtype=np.int64)
    possible = [length for length in LENGTHS if minimum < 10**length and maximum >= 10 ** (length - 1)]
    members = {length: np.flatnonzero(lengths == length) for length in possible}
    spaces = {length: spaces_of(halves.numbers[places]) for length, places in members.items()}
    rows: list[Row] = []
    for length, of_length in spaces.items():
        if of_length is None:
            rows.append({"subset": f"digits={length}", **_too_few(len(members[length]), length, noise_free)})
    measured = {length: of_length for length, of_length in spaces.items() if of_length is not None}
    for layer in halves.layers if measured else ():
        means = halves.read(layer)
        for length, of_length in measured.items():
            places = members[length]
            counts = {"n_values": len(places), "n_prompts": int(halves.rows[places].sum())}
            names = {"layer": layer, "subset": f"digits={length}", **counts}
            found = [_CONSTANT] if means is None else layer_rows(means[:, places], of_length, control == "none")
            rows += [{**names, **row} for row in found]
    return [{"metric": "additive", "control": control, "seed": seed, **row} for row in rows]


def _too_few(found: int, length: int, noise_free: bool) -> Row:
    rows = "" if noise_free else " in two prompts or more"
    return not_applicable(f"{found} numbers of {length} digits{rows}, too few")


def layer_rows(means: np.ndarray, spaces: Spaces, with_chance: bool) -> Iterator[Row]:
    """Yield the rows of one layer and one length of numbers.

    Parameters
    ----------
    means
        float64 [1 or 2, numbers, d]: mean states per half.
    spaces
        Of these numbers.
    with_chance
        Whether to add what permuted numbers would give, as the control `shuffled`.
    """
    centred = means - means.mean(axis=1, keepdims=True)
    first, second = centred[0], centred[-1]
    if not centred.any():
        yield dict(_CONSTANT)
        return
    shared: Row = {"value": 1.0, "note": NOISE_FREE} if len(means) == 1 else signal(first, second).columns
    yield {"metric": "signal", **shared}
    if float(shared.get("ci_low", 1.0)) <= 0:
        yield {"metric": "additive", **undefined(NO_SIGNAL)}
        return
    whole = common(first, second)
    nested = {name: common(first, second, space) for name, space in spaces.nested.items()}
    for row in [*_shares(nested, whole, spaces), *_increments(first, second, nested, whole, spaces)]:
        if with_chance or row.get("control") != "shuffled":
            yield row


def _shares(nested: Mapping[str, Estimate], whole: Estimate, spaces: Spaces) -> Iterator[Row]:
    """Yield the shares of the nested spaces, each without those before it, and of the rest."""
    rest = "whole" if "pairs" in nested else "beyond"
    before, used = Estimate(0.0, np.zeros_like(whole.influence)), 0
    for name, upto in [*nested.items(), (rest, whole)]:
        dimensions = (spaces.numbers - 1 if name == rest else spaces.dimensions(name)) - used
        if dimensions:
            names = {"metric": name, "dimensions": dimensions}
            yield {**names, **((upto - before) / whole).columns}
            yield {**names, "control": "shuffled", "value": dimensions / (spaces.numbers - 1), "note": EXPECTED}
        before, used = upto, used + dimensions


def _increments(
    first: np.ndarray, second: np.ndarray, nested: Mapping[str, Estimate], whole: Estimate, spaces: Spaces
) -> Iterator[Row]:
    """Yield what columns add to a space, and what as many directions at random would add on average."""
    for (name, over), space in spaces.added.items():
        names = {"metric": name, "over": over, "dimensions": space.rank}
        if not space.rank:
            yield {**names, "value": 0.0, "note": WITHIN}
            continue
        left = 1 - (nested[over].value / whole.value if over in nested else 0)
        free = spaces.numbers - 1 - spaces.dimensions(over)
        yield {**names, **(common(first, second, space) / whole).columns}
        yield {**names, "control": "shuffled", "value": left * space.rank / free, "note": EXPECTED}
