"""Prompts that begin alike: what is left of the forward pass when their prefixes are run once.

Sequences as of "a + b", read at b, in random order, with 8, 64 and 256 second operands for each first one; and with 24
tokens of examples in front.
"""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from _bench import Goal, Ratio, arguments, compare, draw_ratios, finish, ratio
from _ways import (
    BARE,
    BATCH_TOKENS,
    MEDIUM,
    PARQUET,
    RAM,
    Job,
    alone,
    bare,
    count_for,
    delete_written,
    random_llama,
    sums,
    to_memory,
    to_parquet,
    vocabulary_of,
    writing_bound,
)
from numprobe.activations.extract import batch_passes
from numprobe.allocation import keep_freed_memory
from numprobe.models.architecture import Architecture

GOAL = 0.35
PLAIN = f"{RAM}, prefixes not shared"
_SECONDS, _EXAMPLES = 2.0, 24


def measure(
    parts: Architecture,
    per_prefix: int,
    examples: int,
    repeats: int,
    seconds: float = _SECONDS,
    batch_tokens: int = BATCH_TOKENS,
    dtype: str = "float32",
) -> tuple[list[dict[str, object]], dict[str, Ratio]]:
    """Rows of the table for one kind of prompts, and the ratios to the bare forward pass of whole prompts."""
    tokens = 4 + examples
    prefixes = max(1, round(count_for(parts, tokens, seconds, batch_tokens) / per_prefix))
    job = Job(parts, sums(prefixes, per_prefix, vocabulary_of(parts), examples), batch_tokens, dtype)
    ways = {BARE: bare, PLAIN: partial(to_memory, share_prefixes=False), RAM: to_memory, PARQUET: to_parquet}
    times = compare({name: partial(way, job) for name, way in ways.items()} | alone(job), repeats)
    delete_written()
    ratios = {name: ratio(times, name, BARE) for name in times}
    about = {"tokens": tokens, "prompts per prefix": per_prefix, "prompts": prefixes * per_prefix}
    shares = {name: 1.0 if name in (BARE, PLAIN) else share_fed(job) for name in ways}
    rows = [
        {
            "way": name,
            **about,
            "share of the tokens run": shares.get(name, 0.0),
            "times the bare pass": str(ratios[name]),
        }
        for name in times
    ]
    return rows, ratios


def share_fed(job: Job) -> float:
    """The share of all tokens that goes through the model when prefixes are shared."""
    planned = batch_passes(job.parts, job.located, job.batch_tokens, share_prefixes=True)
    return sum(one.batch.sequences.numel() for one in planned) / len(job.located.ids)


def difference(parts: Architecture) -> float:
    """The largest deviation of any state from that of whole sequences, in units of its largest component."""
    job = Job(parts, sums(4, 16, vocabulary_of(parts)), BATCH_TOKENS)
    shared, plain = to_memory(job), to_memory(job, share_prefixes=False)
    scales = {layer: np.abs(states).max(axis=1, keepdims=True) for layer, states in plain.items()}
    return max(float((np.abs(shared[layer] - plain[layer]) / scales[layer]).max()) for layer in plain)


def main() -> None:
    """Print and write the comparison."""
    repeats = arguments(__doc__).parse_args().repeats
    keep_freed_memory()
    parts = random_llama(MEDIUM)
    kinds = [(8, 0), (64, 0), (256, 0), (64, _EXAMPLES)]
    measured = {kind: measure(parts, *kind, repeats) for kind in kinds}
    off = difference(parts)
    goals = [
        Goal(
            f"{per_prefix} per prefix, {4 + examples} tokens",
            f"to Parquet over the bare forward pass of whole prompts, {per_prefix} prompts per prefix, "
            f"{4 + examples} tokens",
            GOAL,
            ratios[PARQUET],
            True,
            f"states in memory take {ratios[RAM]} at this share of the tokens; {writing_bound(ratios)}",
        )
        for (per_prefix, examples), (_, ratios) in measured.items()
        if per_prefix >= 64
    ]
    goals.append(Goal("equality", "largest deviation of a state, relative", 1e-5, Ratio(off, off, off), True))

    def draw(figure: Figure) -> None:
        bars = {f"{per} per prefix, {4 + more} tokens": found[PARQUET] for (per, more), (_, found) in measured.items()}
        draw_ratios(figure.subplots(), bars, "to Parquet, times the bare forward pass of whole prompts", GOAL)

    summary = (
        'Prompts as of "a + b" in random order, read at b. Prefixes shared within a batch are computed once, in the '
        "same pass as their ends, which stand behind it in one row; the bare forward pass runs whole prompts in the "
        "same batches."
    )
    table = [row for rows, _ in measured.values() for row in rows]
    finish("prefixes", table, goals, {"summary": summary}, draw)


if __name__ == "__main__":
    main()
