"""Refuse to start if the `python` on PATH, which runs the jobs, lacks packages that the jobs import."""

import shutil
import subprocess
import sys
from pathlib import Path

from numprobe.errors import NumprobeError

_NEEDED = ("numpy", "polars", "pyarrow", "scipy", "sklearn", "matplotlib", "torch", "transformers")
_LACKING = (
    f"from importlib.util import find_spec; print(*[name for name in {_NEEDED!r} if find_spec(name) is None], sep=', ')"
)


def check_python() -> None:
    """Check the `python` on PATH, unless it is the one that runs Snakemake.

    Raises
    ------
    NumprobeError
        If there is none, or it lacks packages.
    """
    found = shutil.which("python")
    # The python of a virtual environment is a link to another one, so folders are compared, not link targets.
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return
    here = Path(sys.executable).parent
    remedy = f"activate the environment of the jobs, or put it first: PATH={here}:$PATH snakemake ..."
    if found is None:
        raise NumprobeError(f"there is no `python` on PATH to run the jobs: {remedy}")
    asked = subprocess.run([found, "-c", _LACKING], capture_output=True, text=True)
    if asked.returncode != 0 or asked.stdout.strip():
        lacking = asked.stdout.strip() or asked.stderr.strip().splitlines()[-1]
        raise NumprobeError(f"`python` on PATH is {found}, which runs the jobs and lacks {lacking}: {remedy}")
