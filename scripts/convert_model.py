"""Convert a GGUF file to an ordinary model folder (rule convert_model)."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, prepare_torch, run
from numprobe.models.gguf.architecture import read_known_model


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """GGUF file -> folder of the model."""
    # Heavy imports only once the file is known to be good.
    read_known_model(options.file)
    from numprobe.models.gguf.convert import convert_gguf

    prepare_torch()
    told = {"package": options.package, "version": options.package_version}
    origin = {key: value for key, value in told.items() if value is not None}
    convert_gguf(options.file, options.output, origin, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--file", type=Path, required=True, help="path of the file")
    result.add_argument("--package", metavar="NAME", help="installed package that the file is of, for the record")
    result.add_argument("--package-version", metavar="VERSION", help="its version, for the record")
    result.add_argument("--output", type=Path, required=True, help="folder of the model")
    return result


if __name__ == "__main__":
    run(main, arguments())
