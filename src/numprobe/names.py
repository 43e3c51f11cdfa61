"""Check the names that a study gives and refers to, and the paths that its workflow can use."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from numprobe.runs import Run

#: Names of models and contexts, which become parts of file names (the same pattern as in the schema).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_WILDCARD = re.compile(r"[{}\x00-\x1f\x7f]")


def study_name(text: str) -> str:
    """Return the valid name (`NAME`, but not of a control) that is nearest to a text."""
    name = re.sub("[^A-Za-z0-9._-]", "-", text).lstrip("._-")[:80] or "model"
    run = Run.parse(name)
    return name if run.control == "none" else f"{run.model}-{run.control}"


def path_problem(path: str) -> str | None:
    """Return why the workflow cannot use a path; None if it can."""
    found = _WILDCARD.search(path)
    if found is None:
        return None
    return f"{path!r} holds {found[0]!r}, which Snakemake does not allow in a path: rename it, or link to it"


def unknown_names(names: Iterable[str], known: Sequence[str], where: str, section: str) -> Iterator[str]:
    """Yield a message for every name that a key of the configuration refers to but its section lacks."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            yield f"{where}: '{name}' is not among the {section}{hint}: {', '.join(known)}"
