"""Shared parts of the programs: the check of the code, provenance, and errors for people."""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Imports make a hundred thousand objects and no garbage; looking for it takes a fifth of their time. `run` looks again.
gc.disable()

ROOT = Path(__file__).resolve().parents[1]
# The code digest is taken over this checkout, so this checkout's library is what runs, installed or not. In an
# installed package these programs are at numprobe/_workflow/scripts.
SOURCE = ROOT / "src" if (ROOT / "src").is_dir() else ROOT.parents[1]
sys.path.insert(0, str(SOURCE))

from numprobe.codedigest import code_digest  # noqa: E402
from numprobe.errors import NumprobeError  # noqa: E402
from numprobe.provenance import provenance  # noqa: E402
from numprobe.threads import prepare_torch, threads  # noqa: E402

__all__ = ["prepare_torch", "threads"]

#: What may stand in the column `control` for all states of a run: those of a model, or of one of its controls.
CONTROL_RUNS = ("none", "untrained", *(f"untrained-{place}" for place in range(2, 11)), "mixed")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with defaults, where there is one to tell."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        silent = action.default is None or action.default is False or action.default == []
        return action.help if silent else super()._get_help_string(action)


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with the options that all programs have."""
    result = argparse.ArgumentParser(description=description, formatter_class=_Help, allow_abbrev=False)
    result.add_argument("--digest", metavar="DIGEST", help="refuse to run if this program's code has another digest")
    return result


def control_option(result: argparse.ArgumentParser) -> None:
    """Add the option that says whose states a run has."""
    result.add_argument(
        "--control",
        choices=CONTROL_RUNS,
        default="none",
        metavar="CONTROL",
        help="untrained, untrained-2, ... or mixed: mark the rows as this control's",
    )


def layers_option(result: argparse.ArgumentParser) -> None:
    """Add the option that names the layers in which a control without layers stands."""
    result.add_argument(
        "--layers", nargs="*", default=[], metavar="LAYER", help="of a control without layers: those of its model"
    )


def extraction_option(result: argparse.ArgumentParser) -> None:
    """Add the options that say how states are extracted."""
    told = "source, dtype, device and so on, as a JSON object (numprobe.activations.context.Extraction)"
    result.add_argument("--extraction", type=json.loads, required=True, metavar="JSON", help=told)
    result.add_argument("--card", type=Path, help="the model's card: whether its type shares prefixes, if not listed")


def split_option(result: argparse.ArgumentParser) -> None:
    """Add the option that names the file with the split of the numbers."""
    result.add_argument("--split", type=Path, required=True, metavar="FILE", help="the study's results/split.json")


Main = Callable[[argparse.Namespace, dict[str, Any]], None]
LIBRARY = SOURCE / "numprobe"


def _no_modules(options: argparse.Namespace) -> list[Path]:
    return []


def run(
    main: Main,
    arguments: argparse.ArgumentParser,
    modules: Callable[[argparse.Namespace], list[Path]] = _no_modules,
) -> None:
    """Parse, check the code, call `main(options, provenance)`; on an error meant for people print it and exit 1.

    `modules`: return the modules that the program imports by name, which are part of its code.
    """
    options = arguments.parse_args()
    program = Path(sys.argv[0]).resolve()
    digest = code_digest(program, *modules(options))
    try:
        if options.digest and options.digest != digest:
            raise NumprobeError(
                f"the code of {program.name} changed while the workflow was running (planned {options.digest}, found "
                f"{digest}): start snakemake again"
            )
        _look_for_garbage()
        main(options, provenance(program.stem, digest))
    except NumprobeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage while heavy modules are imported, once the options are known to be good."""
    gc.disable()
    try:
        yield
    finally:
        _look_for_garbage()


def _look_for_garbage() -> None:
    """Look for it among the objects that are made from now on."""
    gc.freeze()
    gc.enable()
