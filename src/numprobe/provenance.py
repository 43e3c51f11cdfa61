"""The record of the program, code and libraries that made a file."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from numprobe import __version__

_LIBRARIES = (
    "numpy",
    "polars",
    "pyarrow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)


def library_versions() -> dict[str, str]:
    """Return the versions of numprobe and of the libraries that can change a result, without importing these."""
    versions = {"numprobe": __version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def provenance(script: str, code: str, **details: Any) -> dict[str, Any]:
    """Return the record of every output: program, code digest, library versions, and `details`."""
    return {"script": script, "code": code, "versions": library_versions(), **details}
