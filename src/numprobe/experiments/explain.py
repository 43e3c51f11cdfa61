"""Description of an experiment for `numprobe explain`."""

from numprobe.experiments.declare import Experiment, Job, settings_schema
from numprobe.experiments.find import FOLDER


def explain(name: str, experiment: Experiment) -> str:
    """Return what an experiment needs, its jobs with their commands, what it makes, and where its code lies."""
    needs = [need.what for need in experiment.needs if need.what]
    lines = [f"{name}: {experiment.about}", f"code: {FOLDER / name}", ""]
    lines += ["needs", *(f"  {what}" for what in needs or ["nothing beside models and contexts"]), ""]
    lines += ["settings (under `experiments:`, all with defaults)", *_settings(experiment), ""]
    for job in experiment.jobs:
        lines += [*_job(name, job), ""]
    lines += ["makes", *(f"  results/tables/{table}.parquet" for table in experiment.tables)]
    lines += [f"  results/figures/{figure.name}.png" for figure in experiment.figures]
    target = "snakemake --cores all" if experiment.group == "main" else f"snakemake --cores all {name}"
    return "\n".join([*lines, "", f"run it with: {target}"])


def _settings(experiment: Experiment) -> list[str]:
    schema = settings_schema(experiment.settings)
    lines = [f"  {key}: {definition.get('default', 'left out')}" for key, definition in schema.items()]
    return lines or ["  none"]


def _job(name: str, job: Job) -> list[str]:
    return [
        f"job {job.name}",
        f"  reads   {', '.join(job.inputs) or 'nothing'}",
        f"  is told {', '.join([*job.settings, *job.values]) or 'nothing'}",
        f"  writes  {', '.join(_written(job))}",
        f"  runs    python scripts/measure.py {name} {job.name} --module {job.module} --given JSON",
    ]


def _written(job: Job) -> list[str]:
    return [found if isinstance(found, str) else f"several {key}" for key, found in job.outputs.items()]
