"""Inject faults into copies of the small study, and write what came of them into docs/reliability.md (`make faults`).

python tests/inject_faults.py STUDY [--seed N] [--only WORDS] [--part N] [--minutes N] [--workers N] [--page FILE]
"""

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import SystemRandom

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from faults.flips import READERS, Flips, flip_bits  # noqa: E402
from faults.inject import Outcome, inject  # noqa: E402
from faults.plan import Fault, all_faults, part  # noqa: E402
from faults.report import section, with_section  # noqa: E402
from faults.study import Study  # noqa: E402
from workflow.every import TARGETS, prepare  # noqa: E402

FLIPS = 150


def make_reference(folder: Path, targets: Sequence[str] = TARGETS) -> Path:
    """Return the folder with a finished study; only what is not there yet is made."""
    prepare(folder)
    ended = Study(folder).run(targets)
    if ended.code:
        sys.exit(f"{ended.output}\nerror: the undisturbed study in {folder} failed")
    return folder


def needed(faults: Sequence[Fault]) -> list[str]:
    """Return all files that a study must have to take some faults, and flips of bits."""
    files = {file for one in faults for file in (one.kind.path, one.kind.read_for, one.kind.target)}
    return sorted(files | {file for file, _ in READERS.values()})


def inject_all(
    faults: Sequence[Fault], reference: Path, folder: Path, workers: int, minutes: float = math.inf
) -> list[Outcome]:
    """Inject faults, several at a time, as long as there is time, and tell what came of each."""
    end = time.monotonic() + 60 * minutes

    def one(place: int) -> Outcome:
        if time.monotonic() > end:
            return Outcome(faults[place], skipped="the time was up")
        outcome = inject(faults[place], reference, folder / f"fault-{place}")
        print(f"{place + 1}/{len(faults)} {outcome}", flush=True)
        if outcome.silent or not (outcome.recovered or outcome.skipped):
            print(outcome.told, flush=True)
        return outcome

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(len(faults))))


def flip_all(reference: Path, folder: Path, seed: int) -> list[Flips]:
    """Flip bits in a file of each kind."""
    return [flip_bits(reference, folder / kind, kind, FLIPS, seed) for kind in READERS]


def main() -> None:
    """Make the study, inject the faults, write the page; exit 1 if anything was silent or not recovered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="folder of the undisturbed study; made if it is not there")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10000))
    parser.add_argument("--only", nargs="*", default=[], help="words that a fault's name must hold")
    parser.add_argument("--part", type=int, help="so many of the faults")
    parser.add_argument("--workers", type=int, default=1, help="faults at a time")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no fault after so many minutes")
    parser.add_argument("--page", type=Path, help="the page whose section is written")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    faults = [one for one in all_faults(options.seed) if all(word in str(one) for word in options.only)]
    faults = part(faults, options.part, options.seed) if options.part else faults
    reference = make_reference(options.study.resolve(), needed(faults) if options.part or options.only else TARGETS)
    folder = Path(tempfile.mkdtemp(prefix="numprobe-faults-"))
    try:
        flips = flip_all(reference, folder, options.seed)
        outcomes = inject_all(faults, reference, folder, options.workers, options.minutes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = section(outcomes, flips, options.seed)
    print(text)
    if options.page:
        options.page.write_text(with_section(options.page.read_text(), text))
    held = all(one.recovered or one.skipped for one in outcomes) and not any(one.read for one in flips)
    sys.exit(not held)


if __name__ == "__main__":
    main()
