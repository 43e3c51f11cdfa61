"""The configuration of the study with all defaults filled in, as YAML.

Run by the rule `write_configuration`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from _run import parser, run
from numprobe.atomic import atomic_path


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """JSON -> YAML."""
    with atomic_path(options.output) as temporary:
        temporary.write_text(yaml.safe_dump(json.loads(options.configuration), sort_keys=False, allow_unicode=True))


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--configuration", required=True, metavar="JSON", help="the checked configuration")
    result.add_argument("--output", type=Path, required=True, help="file to write (YAML)")
    return result


if __name__ == "__main__":
    run(main, arguments())
