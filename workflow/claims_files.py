"""The files of claims of a checkout, their commit, and the group of each experiment; for the workflow process only."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from config_schema import GROUPS
from source_commit import git

from numprobe.errors import NumprobeError
from numprobe.experiments.find import all_experiments

_FOLDER = Path("src/numprobe/experiments")


def claim_files(checkout: str | Path, experiments: Path | None = None) -> list[str]:
    """Return config/claims.yaml and the file of every experiment that has claims.

    `experiments`: the folder of the experiments; by default that of the checkout.
    """
    root = Path(checkout)
    folder = root / _FOLDER if experiments is None else experiments
    return [str(file) for file in (root / "config/claims.yaml", *sorted(folder.glob("*/claims.yaml")))]


@cache
def claims_commit(checkout: str | Path) -> str:
    """Return the last commit of these files, and whether they have changed since; "unknown" outside of git."""
    files = claim_files(checkout)
    commit = git(checkout, "log", "-1", "--format=%h", "--", *files)
    if not commit:
        return "unknown (not in git)"
    return f"{commit} (changed since)" if git(checkout, "status", "--porcelain", "--", *files) else commit


def check_committed(checkout: str | Path) -> None:
    """Refuse a confirmatory run of claims that no commit holds as they are.

    Raises
    ------
    NumprobeError
        If the files of claims are not in git, or have changed since their commit.
    """
    commit = claims_commit(checkout)
    if " " in commit:
        raise NumprobeError(f"confirmatory: the commit of the claims is {commit}: commit them before this run")


def groups_of_experiments(core: Iterable[str]) -> dict[str, str]:
    """Return the group of each experiment that there is, those of the core first, groups in the order of the pages."""
    groups = dict.fromkeys(core, "main") | {name: one.group for name, one in all_experiments().items()}
    return dict(sorted(groups.items(), key=lambda item: GROUPS.index(item[1])))
