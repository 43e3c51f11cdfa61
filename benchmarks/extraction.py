"""What it costs to extract states: the forward pass alone, numprobe, and other ways, on prompts that share nothing.

All layers, one position per prompt, Llama's architecture with 124 million random weights.
"""

from collections.abc import Callable
from functools import partial

from matplotlib.figure import Figure

from _bench import Goal, Ratio, arguments, compare, draw_ratios, finish, ratio
from _ways import (
    BARE,
    HIDDEN,
    MEDIUM,
    PARQUET,
    RAM,
    WRITING,
    Job,
    bare,
    count_for,
    hidden_states,
    peers,
    random_llama,
    to_memory,
    to_parquet,
    unlike,
    vocabulary_of,
    writing,
    writing_bound,
)
from numprobe.models.architecture import Architecture

LENGTHS = (8, 32, 256)
GOAL = 1.02
_SECONDS = 2.0
# Several batches in a timing, as in the longer jobs that it stands for.
_BATCH_TOKENS = 512
#: Its ratio to itself is 1 but for what else the machine does.
AGAIN = "bare forward pass, again"
Ways = dict[str, Callable[[Job], None]]


def cases(job: Job, ways: Ways) -> dict[str, Callable[[], object]]:
    """Every way to do the job."""
    # What the goal is about runs between the two bare passes.
    own = {BARE: bare, PARQUET: to_parquet, AGAIN: bare, RAM: to_memory, HIDDEN: hidden_states}
    return {name: partial(way, job) for name, way in {**own, **ways}.items()} | {WRITING: writing(job)}


def measure(
    parts: Architecture,
    length: int,
    ways: Ways,
    repeats: int,
    seconds: float = _SECONDS,
    batch_tokens: int = _BATCH_TOKENS,
    dtype: str = "float32",
) -> tuple[list[dict[str, object]], dict[str, Ratio]]:
    """Rows of the table for prompts of one length, and the ratios to the bare forward pass."""
    count = count_for(parts, length, seconds, batch_tokens)
    job = Job(parts, unlike(count, length, vocabulary_of(parts)), batch_tokens, dtype)
    times = compare(cases(job, ways), repeats)
    # The machine's pace drifts within seconds: the pass before and the one behind are the unit.
    unit = [(before + behind) / 2 for before, behind in zip(times[BARE], times[AGAIN], strict=True)]
    ratios = {name: ratio({**times, BARE: unit}, name, BARE) for name in times if name != BARE}
    rows = [
        {
            "way": name,
            "tokens": length,
            "tokens per second": count * length / sorted(seconds)[len(seconds) // 2],
            "times the bare pass": str(ratios[name]) if name in ratios else "",
        }
        for name, seconds in times.items()
    ]
    return rows, ratios


def main() -> None:
    """Print and write the comparison."""
    repeats = arguments(__doc__).parse_args().repeats
    parts = random_llama(MEDIUM)
    found = peers(parts)
    ways = {name: way for name, way in found.items() if way is not None}
    missing = [name for name in found if name not in ways]
    table, ratios = [], {}
    for length in LENGTHS:
        rows, ratios[length] = measure(parts, length, ways, repeats)
        table += rows
    left_out = dict.fromkeys(("tokens", "tokens per second", "times the bare pass"), "")
    table += [{"way": f"{name} (not installed, left out)", **left_out} for name in missing]
    goals = [
        Goal(
            f"{length} tokens",
            f"to Parquet over the bare forward pass, {length} tokens",
            GOAL,
            found[PARQUET],
            True,
            writing_bound(found),
        )
        for length, found in ratios.items()
    ]

    def draw(figure: Figure) -> None:
        for axes, (length, found) in zip(figure.subplots(1, len(ratios), sharey=True), ratios.items(), strict=True):
            bars = {name: one for name, one in found.items() if name != WRITING}
            draw_ratios(axes, bars, f"times the bare pass, {length} tokens", GOAL)

    summary = (
        "Time to extract all states at one token per prompt, in units of the forward pass without capture and without "
        f"head; {sum(p.numel() for p in parts.base.parameters()) / 1e6:.0f} million random weights, float32, the same "
        f"batches without padding of {_BATCH_TOKENS} tokens for all ways. To Parquet includes checks, flushing to disk "
        "and checksums. In each repeat the bare pass runs before the way to Parquet and again behind it, and the unit "
        "is the mean of both: what the second differs from 1 is the machine's noise."
    )
    finish("extraction", table, goals, {"summary": summary}, draw)


if __name__ == "__main__":
    main()
