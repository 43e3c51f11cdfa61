"""Mean states of numbers in two halves of their prompts: what both halves share is no accident of the prompts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack

from numprobe.activations.store import iterate_states, read_manifest, read_positions, state_width
from numprobe.experiments.composition.digit_spaces import indicator
from numprobe.seeding import generator


@dataclass(frozen=True, eq=False)
class NumberHalves:
    """Rows of an activation folder that make the mean of a number in each half of the prompts.

    Attributes
    ----------
    folder
        `results/activations/{model}/{context}`.
    numbers
        int64 [n], ascending: those with rows in every half.
    rows
        int64 [n]: how many rows a number has in all halves together.
    halves
        2, or 1 where a state depends on nothing but the number.
    means
        Sparse float64 [rows of the folder, halves * n]: the weight of a row in each mean.
    known
        Sparse float64 [rows of the folder, c]: what is known of a row beside its number (`known_columns`).
    """

    folder: Path
    numbers: np.ndarray
    rows: np.ndarray
    halves: int
    means: csr_array
    known: csr_array

    @property
    def layers(self) -> list[str]:
        """Names of the states of the folder."""
        return [state["layer"] for state in read_manifest(self.folder)["states"] if state["site"] == "residual"]

    def read(self, layer: str) -> np.ndarray | None:
        """Return the mean state of every number in every half, without what `known` explains of the rows.

        Parameters
        ----------
        layer
            Name of the state.

        Returns
        -------
        float64 [halves, n, width], or None if all states of the layer are the same vector. A row counts as what least
        squares on `known`, over all rows, leaves of it.

        Notes
        -----
        Memory is that of the means and of one batch of rows.
        """
        width = state_width(read_manifest(self.folder))
        sums, totals = np.zeros((self.means.shape[1], width)), np.zeros((self.known.shape[1], width))
        lowest, highest = np.full(width, np.inf), np.full(width, -np.inf)
        start = 0
        for states in iterate_states(self.folder, layer):
            rows = slice(start, start + len(states))
            batch = states.astype(np.float64)
            sums += self.means[rows].T @ batch
            totals += self.known[rows].T @ batch
            lowest, highest = np.minimum(lowest, batch.min(axis=0)), np.maximum(highest, batch.max(axis=0))
            start += len(states)
        if not np.any(highest > lowest):
            return None
        effects = np.linalg.pinv((self.known.T @ self.known).toarray(), hermitian=True) @ totals
        left = sums - (self.means.T @ self.known) @ effects
        return np.asarray(left).reshape(self.halves, len(self.numbers), width)


def number_halves(folder: str | Path, noise_free: bool, seed: int) -> NumberHalves:
    """Divide the rows of a folder by prompt and return which of them make which mean.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    noise_free
        Whether a state depends on nothing but the number (bare numbers, rows of a matrix): then there is one half.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If the folder does not match its manifest.
    """
    positions = read_positions(folder, ["number"])
    values = positions["number"].to_numpy().astype(np.int64)
    half = np.zeros(len(values), dtype=np.int64)
    if not noise_free:
        half = divide_prompts(values, positions["prompt"].to_numpy(), seed)
    halves = 1 if noise_free else 2
    known, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place * halves + half, minlength=len(known) * halves).reshape(len(known), halves)
    kept = np.asarray((counts > 0).all(axis=1))
    used = np.flatnonzero(kept[place])
    cell = (np.cumsum(kept) - 1)[place] + half * kept.sum()
    shares = 1 / counts[place, half][used]
    means = csr_array((shares, (used, cell[used])), shape=(len(values), halves * kept.sum()))
    return NumberHalves(Path(folder), known[kept], counts[kept].sum(axis=1), halves, means, known_columns(positions))


def divide_prompts(values: np.ndarray, prompts: np.ndarray, seed: int) -> np.ndarray:
    """Divide prompts into two halves so that the rows of every number are spread over both as evenly as may be.

    Prompts come in an order drawn from the seed; each goes to the half that has fewer rows of its numbers, or to a
    drawn one. States play no part, so that the noise of the halves is independent.

    Parameters
    ----------
    values, prompts
        int [rows].
    seed
        The study's seed.

    Returns
    -------
    int64 [rows], 0 or 1, the same for all rows of a prompt.
    """
    rng = generator(seed, "halves of the prompts")
    known, number = np.unique(values, return_inverse=True)
    _, place, counts = np.unique(prompts, return_inverse=True, return_counts=True)
    of_prompt = np.split(np.argsort(place, kind="stable"), np.cumsum(counts)[:-1])
    coins = rng.integers(0, 2, len(counts))
    lead = np.zeros(len(known), dtype=np.int64)
    half = np.empty(len(values), dtype=np.int64)
    for prompt in rng.permutation(len(counts)):
        rows = of_prompt[prompt]
        ahead = lead[number[rows]].sum()
        chosen = int(coins[prompt]) if ahead == 0 else int(ahead > 0)
        half[rows] = chosen
        np.add.at(lead, number[rows], 1 - 2 * chosen)
    return half


def known_columns(positions: pl.DataFrame) -> csr_array:
    """Return what is known of the rows beside their number, as indicators.

    The operation, because numbers differ in the operations that give them. Where a second operand is read at its own
    token also each digit of the first one, which the states before it hold; before a result, the operands are the
    number.

    Parameters
    ----------
    positions
        The position table of an activation folder.

    Returns
    -------
    Sparse float64 [rows, c]; every row has exactly one 1 among the columns of the operation.
    """
    missing = [name for name in ("operation", "read_at", "a") if name not in positions.columns]
    first = pl.when(pl.col("read_at") == "token").then(pl.col("a")).cast(pl.String).fill_null("")
    table = positions.with_columns(pl.lit(None, pl.String).alias(name) for name in missing).select(
        pl.col("operation").cast(pl.String).fill_null(""), units_first=first.str.reverse()
    )
    places = range(max(map(len, table["units_first"].to_list()), default=0))
    labels = [table["operation"], *(table["units_first"].str.slice(place, 1) for place in places)]
    return csr_array(hstack([indicator(label.to_numpy()) for label in labels], format="csr"))
