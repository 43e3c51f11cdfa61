"""The table of faults in docs/reliability.md."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from faults.flips import Flips
from faults.inject import Outcome

HEADING = "## Faults injected"
_INJECTED = """
`make faults` injected {faults} faults into copies of the small study (seed {seed}) and wrote this section.
Silent: {silent}.
"""
_EXPLAINED = """
A file is damaged with its time kept, at rest or as soon as it is made, and the job runs that reads it; or the job that
makes it is killed, or finds the disk full. What the messages advise is done to the letter by the program. *Detected*: a
run failed and named the file (of a killed process: the job). *Recovered*: after that every table, probe and other file
was, byte by byte, that of an undisturbed run. *Silent*: a run ended well and one was not.
"""
_FLIPPED = """
One bit flipped, and the file read by its public reader: *refused* with a message that names the file, *failed* in
another way, or *read* without a word.
"""


def section(outcomes: Sequence[Outcome], flips: Sequence[Flips], seed: int) -> str:
    """Return the section: how many faults of each kind there were, and what came of them."""
    injected = [outcome for outcome in outcomes if not outcome.skipped]
    silent = sum(outcome.silent for outcome in injected)
    lines = [
        HEADING,
        _INJECTED.format(faults=len(injected), seed=seed, silent=silent),
        _EXPLAINED.lstrip(),
        "| fault | file | times | detected | recovered | silent |",
        "|---|---|---|---|---|---|",
        *_rows(injected),
        "",
        *_skipped(outcomes),
        _FLIPPED.lstrip(),
        "| file | flips | refused | failed | read |",
        "|---|---|---|---|---|",
        *(f"| {one.kind} | {one.flips} | {one.refused} | {one.crashed} | {one.read} |" for one in flips),
    ]
    return "\n".join(lines) + "\n"


def _rows(outcomes: Sequence[Outcome]) -> list[str]:
    def named(outcome: Outcome) -> tuple[str, str]:
        return f"{outcome.fault.damage}, {outcome.fault.moment}", outcome.fault.kind.name

    rows = []
    for (fault, file), group in groupby(sorted(outcomes, key=named), named):
        same = list(group)
        counts = [sum(getattr(one, name) for one in same) for name in ("detected", "recovered", "silent")]
        rows.append(f"| {fault} | {file} | {len(same)} | {' | '.join(map(str, counts))} |")
    return rows


def _skipped(outcomes: Sequence[Outcome]) -> list[str]:
    reasons = Counter(outcome.skipped for outcome in outcomes if outcome.skipped)
    told = "; ".join(f"{count}, as {reason}" for reason, count in sorted(reasons.items()))
    return [f"Not injected: {told}.", ""] if told else []


def with_section(page: str, text: str) -> str:
    """Return a page with a section in place of the one under the same heading, or at its end."""
    heading = re.escape(text.splitlines()[0])
    found = re.search(rf"^{heading}$.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    if found is None:
        return page.rstrip("\n") + "\n\n" + text
    rest = page[found.end() :]
    return page[: found.start()] + text + ("\n" + rest if rest else "")
