"""The rules of the experiments, generated from their declarations (src/numprobe/experiments/*/experiment.py)."""

from numprobe.experiments.declare import Place
from numprobe.experiments.find import FOLDER

DECLARED = STUDY.declared
# Main experiments with a folder come after those of the core.
MAIN += [name for name, experiment in DECLARED.items() if experiment.group == "main"]
#: The files that each table of an experiment joins, and its notes on what does not apply, by table.
TABLES = {
    name: (
        {table: experiment.joined(table, STUDY, name) for table in experiment.tables},
        experiment.skipped(STUDY, name),
    )
    for name, experiment in DECLARED.items()
}


def job_inputs(name, job):
    """Return a function from the wildcards to the input files of a job by name."""

    def inputs(wildcards):
        files = {key: find(place_of(STUDY, name, wildcards)) for key, find in job.inputs.items()}
        return {key: ancient(found) if key in job.ancient else found for key, found in files.items()}

    return inputs


def job_outputs(job, patterns):
    """Return the outputs of a job by name."""
    return {key: kept(files) if job.states else files for key, files in patterns.items()}


def job_threads(job):
    """Return a function from the wildcards to the threads of a job."""
    return lambda wildcards: extraction_threads(base_model(wildcards)) if job.states else 1


def figure_values(name, figure):
    """Return the further values that a figure of an experiment is given."""
    return {key: find(Place(STUDY, name)) for key, find in figure.values.items()}


def tables_drawn(figure):
    """Return the tables that a figure shows; those of other experiments only if the study has them."""
    made = {table for joined, notes in TABLES.values() for table in joined if joined[table] or notes[table]}
    return [table for table in figure.tables if table in made or table in COLLECTED]


for name, experiment in DECLARED.items():
    CAPTIONS.update({figure.name: FOLDER / name / f"{figure.name}.rst" for figure in experiment.figures})
    add_experiment(
        name,
        collected=TABLES[name][0],
        skipped=TABLES[name][1],
        figures={
            figure.name: (
                f"experiments.{name}.figure",
                tables_drawn(figure),
                figure_values(name, figure),
                experiment.title,
            )
            for figure in experiment.figures
            if tables_drawn(figure)
        },
        files=experiment.keeps(STUDY, name),
        group=experiment.group,
    )

JOBS = [(name, job, made) for name in DECLARED for job in DECLARED[name].jobs for made in job_rules(STUDY, name, job)]

for name, job, made in JOBS:

    rule:
        name:
            made.name
        input:
            unpack(job_inputs(name, job)),
        output:
            **job_outputs(job, made.patterns),
        log:
            f"results/logs/{made.path}.log",
        benchmark:
            f"results/benchmarks/{made.path}.tsv"
        wildcard_constraints:
            **made.constraints,
        conda:
            "../envs/numprobe.yaml"
        threads: job_threads(job)
        resources:
            # A job without inputs reads no model, so it needs what it needs whichever models there are.
            mem_mb=memory(job.memory) if job.inputs else job.memory,
            runtime=minutes(job.minutes) if job.inputs else job.minutes,
            gpu=gpus if job.gpu else FITTING_GPUS if job.fits else 0,
        params:
            digest=digest("measure", FOLDER / name / f"{job.module}.py"),
            experiment=name,
            job=job.name,
            module=job.module,
            given=job_given(STUDY, name, job, made.patterns),
        shell:
            'python "$NUMPROBE"/measure.py {params.experiment} {params.job} --module {params.module}'
            " --digest {params.digest} --given {params.given:q}"
            + (" 2>&1 | tee {log}" if job.states else " > {log} 2>&1")


for name in DECLARED:
    if (FOLDER / name / "rules.smk").exists():

        include: FOLDER / name / "rules.smk"
