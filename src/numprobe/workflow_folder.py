"""Find the workflow that belongs to this library: that of the checkout, or the copy inside an installed package."""

from pathlib import Path

from numprobe.errors import NumprobeError

_PACKAGE = Path(__file__).resolve().parent


def workflow_folder(package: Path = _PACKAGE) -> Path:
    """Return the folder that holds the Snakefile, the rules, the programs and the shipped configurations.

    Parameters
    ----------
    package
        The folder of the package numprobe.

    Raises
    ------
    NumprobeError
        If there is none.
    """
    for folder in (package / "_workflow", package.parents[1]):
        if (folder / "Snakefile").is_file() and (folder / "scripts").is_dir():
            return folder
    raise NumprobeError(
        f"{package} comes without its workflow: install numprobe from its wheel, or run it from a checkout"
    )
