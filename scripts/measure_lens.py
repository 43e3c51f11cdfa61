"""Measure what the confidence of a probe means, for the pages of the number lens (rule measure_lens)."""

import argparse
from pathlib import Path
from typing import Any

from _run import importing, parser, prepare_torch, run
from numprobe.models.source import parse_source


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model and probe -> the levels of the probe."""
    with importing():
        from numprobe.lens.command import measure_probe
        from numprobe.lens.stored import write_levels

    prepare_torch()
    levels = measure_probe(parse_source(options.source), options.probe, options.device, options.dtype)
    write_levels(options.output, levels, options.probe, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--probe", type=Path, required=True, help="the probe")
    result.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    result.add_argument("--dtype", default="float32", help="type of the weights in the forward pass")
    result.add_argument("--output", type=Path, required=True, help="file of the levels")
    return result


if __name__ == "__main__":
    run(main, arguments())
