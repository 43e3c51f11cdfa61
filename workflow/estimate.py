"""Estimate the disk space for the hidden states of a study, printed before it runs."""

from study import Study

from numprobe.experiments.declare import Config, Place
from numprobe.experiments.inputs import VOCABULARY

# Numbers per text in the built-in passages; a user's texts may hold more or fewer.
_PER_TEXT = 5
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
# Studies with fewer bytes get no table.
_LARGE = 10e9


def describe_states(study: Study) -> str:
    """Return the size of the stored states as text: one line and, for large studies, a table by model and context."""
    sizes = {run: size for run in study.all_runs() if (size := state_bytes(study, *run)) is not None}
    unknown = [name for name, model in study.models.items() if model.width is None]
    kept = "kept" if study.config["activations"]["keep"] else "removed once they are used (activations.keep: false)"
    further = f" and at the most {readable(more)} of experiments" if (more := experiment_bytes(study)) else ""
    lines = [f"Hidden states: about {readable(sum(sizes.values()))} in all{further}, {kept}."]
    if sum(sizes.values()) >= _LARGE:
        lines += _by_context(study, sizes)
    if unknown:
        lines.append(f"  Not counted, because their entries lack `width`: {', '.join(unknown)}")
    return "\n".join(lines)


def _by_context(study: Study, sizes: dict[tuple[str, str], int]) -> list[str]:
    """Return one line per context: rows, the sum over models, and each model's share with its controls."""
    lines = []
    for context in [VOCABULARY, *study.contexts]:
        shares = {
            name: size + sum(sizes.get((run, context), 0) for run in study.control_runs(name))
            for name in study.models
            if (size := sizes.get((name, context)))
        }
        if shares:
            told = ", ".join(f"{name} {readable(size)}" for name, size in shares.items())
            rows = sorted({state_rows(study, name, context) for name in shares})
            told_rows = " to ".join(map(str, dict.fromkeys((rows[0], rows[-1]))))
            lines.append(f"  {context}: {told_rows} rows, {readable(sum(shares.values()))} ({told})")
    return lines


def state_bytes(study: Study, run_model: str, context: str) -> int | None:
    """Return rows x states x width x bytes per component; None if the width is unknown."""
    width = study.model_of(run_model).width
    if width is None:
        return None
    item = _BYTES[study.config["activations"]["dtype"]]
    return state_rows(study, run_model, context) * len(study.layers(run_model, context)) * width * item


def experiment_bytes(study: Study) -> int:
    """Return the size of the states that jobs of experiments store, at the most, as far as they say how many."""
    item, total = _BYTES[study.config["activations"]["dtype"]], 0
    for name, declared in study.declared.items():
        for job in declared.jobs:
            for run, context in job.places(study, name) if job.components else ():
                stored = job.components(Place(study, name, run, context))
                total += state_rows(study, run, context) * stored * item
    return total


def state_rows(study: Study, run_model: str, context: str) -> int:
    """Return the maximum number of rows of a model in a context; an estimate for texts."""
    numbers = study.config["numbers"]
    values = int(numbers["max"] - numbers["min"] + 1)
    return values if context == VOCABULARY else _context_rows(study.sized(run_model, context), values)


def _context_rows(entry: Config, values: int) -> int:
    if entry["kind"] == "natural":
        return int(entry["texts"]) * _PER_TEXT
    return values * int(entry.get("per_value", 1)) * len(entry.get("operations", [None]))


def readable(size: float) -> str:
    """Return a number of bytes as text with a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
