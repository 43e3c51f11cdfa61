"""Gain from keeping freed memory: forward passes in two processes that take turns, one with `keep_freed_memory`."""

import argparse
import resource
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median
from subprocess import PIPE, Popen
from time import perf_counter

from matplotlib.figure import Figure

from _bench import Ratio, arguments, draw_ratios, finish, ratio
from _ways import MEDIUM, Job, bare, random_llama, unlike, vocabulary_of
from numprobe.allocation import keep_freed_memory

KEPT, GIVEN = "memory kept", "memory given back"
#: Tokens of a batch and of a prompt.
BATCHES, _TOKENS = (512, 1024), 8
#: Seconds, page faults and peak memory in MB of one turn of a process.
Turn = tuple[float, float, float]


def serve(keep: bool, batch_tokens: int, shape: Mapping[str, int] = MEDIUM) -> None:
    """A forward pass for each line of the standard input; its `Turn` on the standard output."""
    if keep:
        keep_freed_memory()
    parts = random_llama(dict(shape))
    job = Job(parts, unlike(batch_tokens // _TOKENS, _TOKENS, vocabulary_of(parts)), batch_tokens)
    for _ in sys.stdin:
        faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, perf_counter()
        bare(job)
        seconds, used = perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        print(seconds, used.ru_minflt - faults, used.ru_maxrss / 1024, flush=True)


def take_turns(batch_tokens: int, repeats: int) -> dict[str, list[Turn]]:
    """Return the measurements of a process of each kind in each repeat, after one that is not counted."""
    turns: dict[str, list[Turn]] = {GIVEN: [], KEPT: []}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_server(name == KEPT, batch_tokens)) for name in turns}
        for repeat in range(1 + repeats):
            for name, server in servers.items():
                turn = _turn(server)
                if repeat:
                    turns[name].append(turn)
        for server in servers.values():
            server.stdin.close()  # type: ignore[union-attr]
    return turns


def _server(keep: bool, batch_tokens: int) -> "Popen[str]":
    command = [sys.executable, __file__, "--serve", *(["--keep"] if keep else []), "--batch-tokens", str(batch_tokens)]
    return Popen(command, stdin=PIPE, stdout=PIPE, text=True)


def _turn(server: "Popen[str]") -> Turn:
    if server.stdin is None or server.stdout is None:
        raise ValueError("the process has no pipes")
    server.stdin.write("\n")
    server.stdin.flush()
    seconds, faults, peak = map(float, server.stdout.readline().split())
    return seconds, faults, peak


def measure(batch_tokens: int, repeats: int) -> tuple[list[dict[str, object]], Ratio]:
    """Rows of the table for batches of a size, and the time with kept memory over that without."""
    turns = take_turns(batch_tokens, repeats)
    times = {name: [seconds for seconds, _, _ in found] for name, found in turns.items()}
    ratios = {name: ratio(times, name, GIVEN) for name in times}
    rows = [
        {
            "case": name,
            "tokens in a batch": batch_tokens,
            "seconds": median(times[name]),
            "ratio": str(ratios[name]),
            "page faults": median(faults for _, faults, _ in found),
            "peak memory, MB": found[-1][2],
        }
        for name, found in turns.items()
    ]
    return rows, ratios[KEPT]


def main() -> None:
    """Print and write the comparison."""
    options = _parser().parse_args()
    if options.serve:
        serve(options.keep, options.batch_tokens)
        return
    if sys.platform != "linux":
        print("only the C library of Linux can be told what to do with freed memory: nothing was measured")
        return
    table, ratios = [], {}
    for batch_tokens in BATCHES:
        rows, ratios[f"{batch_tokens} tokens"] = measure(batch_tokens, options.repeats)
        table += rows

    def draw(figure: Figure) -> None:
        draw_ratios(figure.subplots(), ratios, "time of a forward pass, memory kept over given back")

    summary = (
        "The bare forward pass of the model of `extraction` in two processes that take turns. One keeps the memory "
        "that it frees, as the programs of the workflow that run a trained model do; to the other applies the default "
        "of the C library, which gives much of it back to the system and gets it again page by page."
    )
    finish("allocation", table, [], {"summary": summary}, draw)


def _parser() -> argparse.ArgumentParser:
    result = arguments(__doc__)
    result.add_argument("--serve", action="store_true", help="be one of the two processes")
    result.add_argument("--keep", action="store_true", help="keep freed memory (with --serve)")
    result.add_argument("--batch-tokens", type=int, default=BATCHES[0], help="tokens of a batch (with --serve)")
    return result


if __name__ == "__main__":
    main()
