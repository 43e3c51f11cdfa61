"""Write the true result into the last state before the answer, and measure what that repairs and harms.

Run by the rule `evaluate_patching`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import intervention_arguments, load_asked, split_of_options
from _run import run
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts, a model and patterns -> a table of measurements."""
    from numprobe.interventions.patching import PATCHING, patching_rows
    from numprobe.interventions.published_patch import published_patches
    from numprobe.probes.patterns import load_patterns
    from numprobe.probes.probe import load_probe

    asked, seed, patterns = load_asked(options), options.seed, load_patterns(options.patterns)
    written: dict[str, Any] = {"default": patterns}
    if options.wave:
        wave, device = load_probe(options.wave), asked[0].parts.device
        written["published"] = published_patches(wave, options.layers, options.steps, seed, device)
    names = {key: patterns.metadata[key] for key in ("model", "context")}
    split, grid = split_of_options(options), (options.layers, options.strengths, options.per_operation)
    rows = [
        {**names, "settings": settings, **row}
        for settings, patches in written.items()
        for row in patching_rows(*asked, patches, split, *grid, options.resamples, seed)
    ]
    write_table(options.output, measurements(rows, extra=PATCHING), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = intervention_arguments(__doc__)
    result.add_argument("--wave", type=Path, help="wave probe of this model and context: fit the published patch too")
    result.add_argument("--steps", type=int, default=200_000, help="gradient steps of the published patch")
    return result


if __name__ == "__main__":
    run(main, arguments())
