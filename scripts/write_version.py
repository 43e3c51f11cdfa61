"""The version and commit of numprobe that planned a study, with the versions of the libraries, as JSON.

Run by the rule `write_version`.
"""

import argparse
import platform
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.sealed import write_sealed_json


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Options -> JSON."""
    write_sealed_json(
        options.output,
        {
            "numprobe": provenance["versions"]["numprobe"],
            "commit": options.commit,
            "python": platform.python_version(),
            "snakemake": options.snakemake,
            "libraries": provenance["versions"],
        },
    )


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--commit", required=True, help="the commit of the checkout, and whether files differ from it")
    result.add_argument("--snakemake", required=True, help="the version of Snakemake")
    result.add_argument("--output", type=Path, required=True, help="file to write (JSON)")
    return result


if __name__ == "__main__":
    run(main, arguments())
