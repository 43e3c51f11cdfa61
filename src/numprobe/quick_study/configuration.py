"""The configuration of a small study of one model: complete, and small enough for minutes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from numprobe.errors import NumprobeError
from numprobe.models.entry import FoundModel
from numprobe.models.facts import ModelFacts, state_layers
from numprobe.names import path_problem, study_name

#: Contexts of a study that names none.
DEFAULT_CONTEXTS = ("number", "operand", "natural")
#: The numbers of the study, both included.
MINIMUM, MAXIMUM = 0, 999
_KINDS: dict[str, dict[str, Any]] = {
    "number": {"kind": "number"},
    "operand": {"kind": "operand", "per_value": 2},
    "natural": {"kind": "natural", "texts": 300},
    "result": {"kind": "result", "per_value": 1, "operations": ["+"]},
}
_TEXTS = (".txt", ".jsonl", ".parquet")
# Prompts of a corpus of the user.
_OWN_TEXTS = 300
# States that are read: more cost time in every fit, and say little more.
_STATES = 8

Configuration = dict[str, Any]


def quick_configuration(found: FoundModel, contexts: Sequence[str], device: str) -> Configuration:
    """Return the complete configuration of a study of one model.

    Parameters
    ----------
    found
        The model.
    contexts
        Names of built-in contexts, or files with texts.
    device
        Where the model runs and probes are fitted: `cpu`, `cuda` or `cuda:N`.

    Raises
    ------
    NumprobeError
        If a context is none of these, or the model cannot be read in it.
    """
    entries = [_context(name) for name in contexts]
    names = [entry["name"] for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NumprobeError(f"--contexts: {twice[0]} is named twice: name it once, or rename the file")
    if found.facts.encoder and "result" in names:
        raise NumprobeError("--contexts: result asks the model to answer, and an encoder does not: leave it out")
    chosen = chosen_states(found.facts)
    model = {**found.entry, "states": chosen, "contexts": ["vocabulary", *names]}
    if device != "cpu":
        model["device"] = device
    several = len(entries) > 1
    return {
        "seed": 0,
        "confirmatory": False,
        "numbers": {"min": MINIMUM, "max": MAXIMUM},
        "split": {"scheme": "folds", "folds": 10, "inner": 3},
        "fitting": {"device": device},
        "models": [model],
        "contexts": entries,
        "probes": [{"name": name} for name in ("fourier", "digits", "linear")],
        "controls": ["shuffled", "untrained", "mixed"],
        "activations": {"dtype": "float32", "batch_tokens": 16384, "keep": True},
        "experiments": [
            {"name": "accuracy"},
            *([{"name": "transfer", "probe": "fourier"}] if several else []),
            {"name": "spectra"},
            {"name": "examples"},
            {"name": "composition"},
        ],
        "intervals": {"resamples": 1000},
        "figures": {"formats": ["pdf", "png"]},
    }


def chosen_states(facts: ModelFacts) -> list[int | str]:
    """Return the states to read: those of all blocks of a small model, else eight from the first to the last block."""
    last = facts.layers
    blocks = range(last + 1) if last < _STATES else sorted({round(i * last / (_STATES - 1)) for i in range(_STATES)})
    return [*blocks, *(["final_norm"] if "final_norm" in state_layers(facts) else [])]


def configuration_text(configuration: Configuration, command: str) -> str:
    """Return the content of the file, which says how it was made."""
    head = f"# Written by `{command}`.\n# Every key: config/README.md of numprobe. See docs/study.md.\n"
    return head + str(yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True, width=120))


def _context(name: str) -> Configuration:
    """Return the entry of a context."""
    if name in _KINDS:
        return {"name": name, **_KINDS[name]}
    file = Path(name).expanduser()
    if file.suffix not in _TEXTS:
        known = ", ".join(_KINDS)
        raise NumprobeError(f"--contexts: {name!r} is none of {known}, and no file that ends in {', '.join(_TEXTS)}")
    if not file.is_file():
        raise NumprobeError(f"--contexts: {name} does not exist: name a file with texts")
    if (problem := path_problem(str(file.absolute()))) is not None:
        raise NumprobeError(f"--contexts: {problem}")
    return {"name": study_name(file.stem), "kind": "natural", "corpus": str(file.absolute()), "texts": _OWN_TEXTS}
