"""Write the page that lists the pages of the number lens of all models (rule write_lens_index)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.lens.index import write_index


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Names of models -> the list of their pages."""
    write_index(options.output, options.models)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--models", nargs="+", required=True, help="models with pages, one folder each beside the list")
    result.add_argument("--output", type=Path, required=True, help="the page")
    return result


if __name__ == "__main__":
    run(main, arguments())
