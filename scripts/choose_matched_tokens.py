"""Choose the tokens that are no numbers on which models are compared. Run by the rule `choose_matched_tokens`."""

import argparse
import json
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.models.source import parse_source
from numprobe.tables import write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tokenizers -> table of tokens."""
    from numprobe.activations.matched import matched_tokens

    models = {name: parse_source(source) for name, source in json.loads(options.sources).items()}
    table = matched_tokens(models, range(options.minimum, options.maximum + 1))
    write_table(options.output, table, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--sources", required=True, metavar="JSON", help="name of each model to its source")
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--output", type=Path, required=True, help="table to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
