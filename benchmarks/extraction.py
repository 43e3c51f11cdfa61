"""Cost of extracting states: the forward pass alone, numprobe and other ways, on prompts that share nothing.

All layers, one position per prompt, Llama's architecture with 124 million random weights.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from statistics import median

from matplotlib.figure import Figure

from _bench import Goal, Ratio, arguments, compare, draw_ratios, finish, ratio
from _ways import (
    AGAIN,
    BARE,
    FLUSHED,
    HIDDEN,
    INSIDE,
    MEDIUM,
    PARQUET,
    RAM,
    WRITING,
    Job,
    alone,
    bare,
    count_for,
    delete_written,
    hidden_states,
    in_turn,
    peers,
    random_llama,
    to_memory,
    to_parquet,
    unlike,
    vocabulary_of,
    writing_bound,
)
from numprobe.allocation import keep_freed_memory
from numprobe.models.architecture import Architecture

LENGTHS = (8, 32, 256)
GOAL = 1.02
_SECONDS = 2.0
# Several batches in a timing, as in the longer jobs that it stands for.
_BATCH_TOKENS = 512
OUTSIDE = "numprobe to Parquet, over the model's own code in it"
Ways = dict[str, Callable[[Job], None]]


def own(job: Job, repeats: int) -> dict[str, list[float]]:
    """Seconds of what the goal is about and of the bare pass, twice; the batches of all three take turns on a CPU."""
    if job.parts.device.type != "cpu":
        # A GPU's pace is even, and ours is to copy the states of a batch while it runs the next.
        return compare(
            {BARE: partial(bare, job), PARQUET: partial(to_parquet, job), AGAIN: partial(bare, job)}, repeats
        )
    rounds = [in_turn(job) for _ in range(1 + repeats)][1:]
    return {name: [found[name] for found in rounds] for name in rounds[0]}


def others(job: Job, ways: Ways, repeats: int) -> dict[str, list[float]]:
    """Seconds of all other ways, each as a whole job, and of the bare pass beside them."""
    cases = {BARE: bare, RAM: to_memory, HIDDEN: hidden_states, **ways}
    return compare({name: partial(way, job) for name, way in cases.items()}, repeats)


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
    times = {**own(job, repeats), **compare(alone(job), repeats)}
    delete_written()
    unit = [(before + behind) / 2 for before, behind in zip(times[BARE], times[AGAIN], strict=True)]
    ratios = {name: ratio({**times, BARE: unit}, name, BARE) for name in times if name != BARE}
    # The other ways have no goal, and half the time.
    half = -(-count // 2)
    beside = others(Job(parts, unlike(half, length, vocabulary_of(parts)), batch_tokens, dtype), ways, repeats)
    delete_written()
    ratios |= {name: ratio(beside, name, BARE) for name in beside if name != BARE}
    # From the same seconds, so that the machine's pace drops out.
    outside = {PARQUET: ratio(times, PARQUET, INSIDE)} if INSIDE in times else {}
    sequences = dict.fromkeys(times, count) | dict.fromkeys(beside.keys() - times.keys(), half)
    seconds_of = {**beside, **times}
    rows = [
        {
            "way": name,
            "tokens": length,
            "tokens per second": sequences[name] * length / median(seconds_of[name]),
            "times the bare pass": str(ratios[name]) if name in ratios else "",
            "times the model's own code": str(outside[name]) if name in outside else "",
        }
        for name in (BARE, *ratios)
    ]
    if PARQUET in outside:
        ratios[OUTSIDE] = outside[PARQUET]
    return rows, ratios


def _goals(length: int, found: Mapping[str, Ratio]) -> Iterator[Goal]:
    inside, again = found[INSIDE], found[AGAIN]
    noise = (
        f"in the same job all that is not the model's own code takes {found[OUTSIDE].median - 1:.3f} of it, and "
        f"{writing_bound(found)}; the rest is pace: the model's own code, the same work as the bare pass, took "
        f"{inside} of it, and the bare pass itself {again}"
    )
    yield Goal(
        f"{length} tokens",
        f"to Parquet over the bare forward pass, {length} tokens",
        GOAL,
        found[PARQUET],
        True,
        noise,
    )
    yield Goal(
        f"{length} tokens, same seconds",
        f"to Parquet over the model's own code in the same seconds, {length} tokens",
        GOAL,
        found[OUTSIDE],
        True,
        writing_bound(found),
    )


def draw(ratios: Mapping[int, Mapping[str, Ratio]], figure: Figure) -> None:
    """A panel for each length."""
    left_out = (WRITING, FLUSHED, INSIDE, OUTSIDE)
    for axes, (length, found) in zip(figure.subplots(1, len(ratios), sharey=True), ratios.items(), strict=True):
        bars = {name: one for name, one in found.items() if name not in left_out}
        draw_ratios(axes, bars, f"times the bare pass, {length} tokens", GOAL)


def main() -> None:
    """Print and write the comparison."""
    repeats = arguments(__doc__).parse_args().repeats
    keep_freed_memory()
    parts = random_llama(MEDIUM)
    found = peers(parts)
    ways = {name: way for name, way in found.items() if way is not None}
    missing = [name for name in found if name not in ways]
    table, ratios = [], {}
    for length in LENGTHS:
        rows, ratios[length] = measure(parts, length, ways, repeats)
        table += rows
    left_out = {column: "" for column in table[0] if column != "way"}
    table += [{"way": f"{name} (not installed, left out)", **left_out} for name in missing]
    goals = [goal for length, found in ratios.items() for goal in _goals(length, found)]

    summary = (
        "Time to extract all states at one token per prompt, in units of the forward pass without capture and without "
        f"head; {sum(p.numel() for p in parts.base.parameters()) / 1e6:.0f} million random weights, float32, the same "
        f"batches without padding of {_BATCH_TOKENS} tokens for all ways, {repeats} repeats. To Parquet includes "
        "checks, flushing to disk and checksums. The machine's pace drifts within seconds, so the batches of three "
        "jobs take turns: the bare pass, the bare pass again, numprobe to Parquet. The unit of the last is the mean "
        "of the other two, and what the second differs from 1 is the machine's noise. The model's own code is what "
        "runs between two hooks. The job over it has no such noise, but would not show if hooks or writing slowed the "
        "model down; that code's own ratio to the bare pass does. The other ways run as whole jobs of "
        "half the prompts. All keep the memory that they free, as the workflow does (see allocation)."
    )
    finish("extraction", table, goals, {"summary": summary}, partial(draw, ratios))


if __name__ == "__main__":
    main()
