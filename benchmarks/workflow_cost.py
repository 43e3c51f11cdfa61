"""Overhead of the workflow: building the graph, finding nothing to do, starting programs."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import polars as pl
import yaml
from matplotlib.figure import Figure

from _bench import ROOT, Case, Goal, Ratio, Times, arguments, compare, finish, spread

MODELS, CONTEXTS = 20, 10
GRAPH, IDLE = f"graph of {MODELS} models x {CONTEXTS} contexts", "nothing to do in a tiny study"
HALF = f"graph of {MODELS // 2} models x {CONTEXTS} contexts"
PYTHON, MODEL, SNAKEMAKE = "python alone", "torch and transformers", "start of Snakemake"
#: Rules whose programs load a model, which imports what `MODEL` stands for, after their options are read.
LOADING = ("extract_", "train_")
#: One program of each kind is timed in every repeat.
PROGRAMS = ("make_prompts", "fit_probes", "evaluate_probes", "evaluate_rsa", "fit_iterative_probes", "plot")
_EXPERIMENTS = [{"name": "accuracy"}, {"name": "transfer", "probe": "fourier"}, {"name": "spectra"}]
_TRAINING = {"architecture": "llama", "steps": 6, "hidden_size": 32, "n_layers": 2, "heads": 2, "mlp_size": 64}


def snakemake(folder: Path, *options: str) -> str:
    """Run the workflow of this checkout in a folder that has a `config.yaml`; what it printed."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--configfile", folder / "config.yaml", "--cores", "2", *options]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Snakemake sets the threads of its jobs.
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout + done.stderr


def large_study(count: int) -> dict[str, object]:
    """Some models in as many contexts as the goal names, with the experiments of the plain `snakemake`."""
    models = [{"name": f"model-{i}", "source": "train", "train": _TRAINING} for i in range(count)]
    contexts = [{"name": f"context-{i}", "kind": "operand", "per_value": 8} for i in range(CONTEXTS)]
    probes = [{"name": kind} for kind in ("fourier", "digits", "linear", "log")]
    return {"models": models, "contexts": contexts, "probes": probes, "experiments": _EXPERIMENTS}


def tiny_study() -> dict[str, object]:
    """One small model in one context."""
    training = _TRAINING | {"batch_scale": 0.05, "dtype": "float32"}
    return {
        "numbers": {"min": 0, "max": 99},
        "split": {"scheme": "folds", "folds": 3, "inner": 2},
        "models": [{"name": "small", "source": "train", "train": training}],
        "contexts": [{"name": "number", "kind": "number"}, {"name": "operand", "kind": "operand", "per_value": 2}],
        "probes": [{"name": "fourier"}, {"name": "linear"}],
        "experiments": _EXPERIMENTS,
        "intervals": {"resamples": 100},
    }


def write_study(folder: Path, study: Mapping[str, object]) -> Path:
    """A folder with the configuration of a study."""
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(study))
    return folder


def jobs(printed: str) -> int:
    """The number of jobs that a dry run announced."""
    found = re.findall(r"^total\s+(\d+)", printed, flags=re.MULTILINE)
    return int(found[-1]) if found else 0


def python(*options: str) -> None:
    """Start Python and wait for its end."""
    subprocess.run([sys.executable, *options], check=True, capture_output=True)


def starts(repeats: int) -> dict[str, list[float]]:
    """Seconds until a program has read its options; what it imports has been read from disk before."""
    cases: dict[str, Case] = {PYTHON: partial(python, "-c", "pass")}
    cases[MODEL] = partial(python, "-c", "import torch, transformers.models.llama.modeling_llama")
    cases |= {name: partial(python, str(ROOT / f"scripts/{name}.py"), "--help") for name in PROGRAMS}
    return compare(cases, repeats, warmup=0)


def start_share(results: Path, starting: Times) -> tuple[float, float]:
    """Seconds of all jobs of a finished study and the part of it that is process start and imports.

    A job of a rule whose program is not timed counts as the median program.
    """
    usual = median(median(starting[name]) for name in PROGRAMS)
    total = lost = 0.0
    for file in sorted((results / "benchmarks").rglob("*.tsv")):
        rule = file.relative_to(results / "benchmarks").parts[0].removesuffix(".tsv")
        start = median(starting[rule]) if rule in starting else usual
        if rule.startswith(LOADING):
            start += median(starting[MODEL])
        seconds = float(pl.read_csv(file, separator="\t")["s"][0])
        total += seconds
        lost += min(start, seconds)
    return total, lost


def table(planning: Times, starting: Times, planned: Mapping[str, int]) -> list[dict[str, object]]:
    """One row per case."""
    rows = [(name, seconds, f"{planned[name]} jobs" if name in planned else "") for name, seconds in planning.items()]
    rows += [
        (name if name in (PYTHON, MODEL) else f"{name}.py --help", seconds, "") for name, seconds in starting.items()
    ]
    return [{"case": name, "seconds": str(spread(seconds)), "of": of} for name, seconds, of in rows]


def draw(figure: Figure, times: Times) -> None:
    """Seconds of every case."""
    axes = figure.subplots()
    names = list(times)[::-1]
    measured = [spread(times[name]) for name in names]
    below, above = [m.median - m.low for m in measured], [m.high - m.median for m in measured]
    axes.barh(names, [m.median for m in measured], xerr=[below, above], color="#56B4E9", error_kw={"linewidth": 0.8})
    axes.set_xlabel("seconds")


def goals(planning: Times, planned: Mapping[str, int]) -> list[Goal]:
    """Goals in seconds."""
    idle: Ratio = spread(planning[IDLE])
    count = planned[GRAPH]
    per_job = f"{spread(planning[GRAPH]).median / max(count, 1) * 1000:.1f} ms for each of {count} jobs"
    begin = f"of which Snakemake's own start takes {spread(planning[SNAKEMAKE]).median:.2g} s"
    return [
        Goal("graph", f"{GRAPH}: seconds", 10, spread(planning[GRAPH]), True, f"{per_job}, {begin}"),
        Goal("idle", f"{IDLE}: seconds", 5, idle, True, begin),
    ]


def main(repeats: int, results: Path) -> None:
    """Build, idle, start."""
    with TemporaryDirectory() as name:
        large = write_study(Path(name) / "large", large_study(MODELS))
        half = write_study(Path(name) / "half", large_study(MODELS // 2))
        tiny = write_study(Path(name) / "tiny", tiny_study())
        snakemake(tiny)
        counted = {GRAPH: large, HALF: half}
        planned = {case: jobs(snakemake(folder, "--dry-run", "--quiet", "rules")) for case, folder in counted.items()}
        planning = compare(
            {
                GRAPH: partial(snakemake, large, "--dry-run", "--quiet"),
                HALF: partial(snakemake, half, "--dry-run", "--quiet"),
                IDLE: partial(snakemake, tiny),
                SNAKEMAKE: partial(python, "-m", "snakemake", "--version"),
            },
            repeats,
            warmup=0,
        )
    starting = starts(repeats)
    notes: dict[str, object] = {
        "summary": (
            "Seconds of whole commands, process start included. Programs are started with `--help`, which imports what"
            " they import at the top; the libraries that load a model are imported later, and stand apart."
        )
    }
    if (results / "benchmarks").exists():
        total, lost = start_share(results, starting)
        notes["share of process start and imports"] = f"{lost / total:.0%} of the {total:,.0f} s of all jobs of a study"
    draw_all = partial(draw, times={**planning, **starting})
    finish("workflow_cost", table(planning, starting, planned), goals(planning, planned), notes, draw_all)


if __name__ == "__main__":
    parser = arguments(__doc__, repeats=3)
    parser.add_argument(
        "--results", type=Path, default=ROOT / "results", help="a finished study, for the share of starts"
    )
    options = parser.parse_args()
    main(options.repeats, options.results)
