"""Draw the texts of a natural context from datasets of the hub and from files (rule draw_texts)."""

import argparse
import json
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.prompts.sources import draw_texts
from numprobe.tables import write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Sources -> a corpus."""
    write_table(options.output, draw_texts(options.sources, options.texts, options.seed, options.context), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--context", required=True, help="name of the context")
    result.add_argument("--sources", type=json.loads, required=True, metavar="JSON", help="list of sources")
    result.add_argument("--texts", type=int, required=True, help="how many texts")
    result.add_argument("--seed", type=int, required=True, help="seed of the context")
    result.add_argument("--output", type=Path, required=True, help="corpus to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
