"""The commit of the code that plans a study; for the workflow process only."""

import subprocess
from functools import cache
from pathlib import Path


@cache
def source_commit(checkout: str | Path) -> str:
    """Return the commit of a checkout, and whether its files differ from it; "unknown (not in git)" elsewhere."""
    # An installed package may lie inside a repository of its user.
    top = git(checkout, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != Path(checkout).resolve():
        return "unknown (not in git)"
    commit = git(checkout, "rev-parse", "HEAD")
    return f"{commit} (changed since)" if git(checkout, "status", "--porcelain", "--untracked-files=no") else commit


def git(checkout: str | Path, *arguments: str) -> str:
    """Return what git prints about a checkout; empty without git, or if it fails."""
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
