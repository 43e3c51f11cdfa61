"""Through which layers a number is read, and the layer at which it gets lost for good."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from numprobe.errors import NumprobeError
from numprobe.layers import layer_order
from numprobe.seeding import generator

#: What becomes of a number in the states of a prompt.
NEVER, LOST, KEPT = "never", "lost", "kept"


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings of one probe in every state of every prompt.

    Attributes
    ----------
    layers
        The states, in the order of the model.
    prompts
        One row per prompt: `prompt`, `number` (true result), `operation`, `a`, `b`, `answer` (null: no number), `right`
        and `fold` (the probe's, which never saw the true result).
    read
        int64 [prompts, layers].
    """

    layers: tuple[str, ...]
    prompts: pl.DataFrame
    read: np.ndarray


def through_layers(beside: pl.DataFrame) -> Readings:
    """Return the readings of one probe as a matrix.

    Parameters
    ----------
    beside
        As `numprobe.measure.beside_answers.beside_answers` returned them, of one probe and control; not empty.

    Raises
    ------
    NumprobeError
        If the layers were read in different prompts.
    """
    layers = layer_order(beside["layer"])
    parts = [beside.filter(pl.col("layer") == layer).sort("prompt") for layer in layers]
    if any(part["prompt"].to_list() != parts[0]["prompt"].to_list() for part in parts[1:]):
        raise NumprobeError("the layers were read in different prompts: make the predictions again")
    prompts = parts[0].select("prompt", "number", "operation", "a", "b", "answer", "right", "fold")
    read = np.column_stack([part["decoded"].to_numpy().astype(np.int64) for part in parts])
    return Readings(tuple(layers), prompts, read)


def lost_at(found: np.ndarray) -> np.ndarray:
    """Return the layer at which each number is lost, int64 [...]: the first from which on it is never read.

    Parameters
    ----------
    found
        bool [..., layers]: whether the number is read there.

    Returns
    -------
    Index of the layer; 0 where the number is read at no layer (`NEVER`), and the number of layers where it is read at
    the last one (`KEPT`).
    """
    layers = found.shape[-1]
    return np.asarray(np.where(found.any(axis=-1), layers - found[..., ::-1].argmax(axis=-1), 0))


def fates(read: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the fate of target numbers at each layer, averaged over several targets of each prompt.

    Parameters
    ----------
    read
        int64 [prompts, layers].
    targets
        int64 [draws, prompts]: numbers to look for; negative where a prompt has none in that draw.

    Returns
    -------
    float64 [prompts, layers + 1], rows that sum to 1: the share of the draws whose target is lost at each layer, with
    `NEVER` first and `KEPT` last (`lost_at`); and bool [prompts]: whether a prompt has a target at all (if not, 0).
    """
    layers = read.shape[1]
    counts = np.zeros((len(read), layers + 1))
    for target in targets:
        known = target >= 0
        end = lost_at(read[known] == target[known, None])
        counts[np.flatnonzero(known), end] += 1
    total = counts.sum(axis=1, keepdims=True)
    return counts / np.maximum(total, 1), total[:, 0] > 0


def transitions(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the layers that break a number (read before, not after) and that correct it (the converse).

    Over the layers, corrects minus breaks is what the last state reads more than the first; this is asserted.

    Parameters
    ----------
    found
        bool [prompts, layers].

    Returns
    -------
    Two arrays bool [prompts, layers - 1], for the second layer to the last.
    """
    before, after = found[:, :-1], found[:, 1:]
    breaks, corrects = before & ~after, ~before & after
    gained = int(found[:, -1].sum()) - int(found[:, 0].sum())
    if int(corrects.sum()) - int(breaks.sum()) != gained:
        raise AssertionError("corrects minus breaks is not what the last layer reads more than the first")
    return breaks, corrects


def opposite(answer: np.ndarray, truth: np.ndarray, minimum: int, maximum: int) -> np.ndarray:
    """Return the number as far from the answer as the truth, on the other side: 2 answer - truth, int64 [n].

    -1 where there is none: no answer (negative), a right one, or a number beyond the range.
    """
    mirrored = 2 * answer - truth
    exists = (answer >= 0) & (answer != truth) & (mirrored >= minimum) & (mirrored <= maximum)
    return np.where(exists, mirrored, -1)


def permuted_truths(prompts: pl.DataFrame, draws: int, seed: int) -> np.ndarray:
    """Return true results of other prompts of the same operation and fold, int64 [draws, prompts].

    It is -1 where that is the own result. The fold is the same, so its probe has seen neither number.

    Parameters
    ----------
    prompts
        Columns `number`, `operation`, `fold`: the prompts among which truths are permuted.
    draws
        How many permutations.
    seed
        The study's seed.
    """
    truth = prompts["number"].to_numpy().astype(np.int64)
    group = prompts.select(pl.struct("operation", "fold").rank("dense")).to_series().to_numpy()
    found = np.empty((draws, len(truth)), dtype=np.int64)
    for draw in range(draws):
        order = generator(seed, "tracing", draw).permutation(len(truth))
        shuffled = order[np.argsort(group[order], kind="stable")]
        found[draw, np.argsort(group, kind="stable")] = truth[shuffled]
    return np.where(found == truth, -1, found)
