"""numprobe: how do language models represent and manipulate numbers?

The stages follow the data: models and prompts -> activations -> probes -> evaluations -> figures -> report.
Configuration: config/config.yaml, every key in config/README.md. Named targets below stop midway.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")
sys.path[:0] = [str(Path(workflow.basedir) / folder) for folder in ("src", "workflow")]


configfile: Path(workflow.basedir) / "config" / "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/activations.smk"
include: "workflow/rules/probes.smk"
include: "workflow/rules/evaluations.smk"
include: "workflow/rules/answers.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/matched.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"


onstart:
    # Snakemake's default limit of 100 jobs a second lets the scheduler plan once more per second after every job, for
    # good: after some hundred jobs planning takes a whole core. A study never reaches that limit; a lower one is kept.
    limit = workflow.scheduler.job_rate_limiter
    if limit and limit.max_jobs >= 100 * limit.timespan:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    # What was damaged after its last reader.
    refuse_damage(made_files(workflow.dag))


localrules:
    all,
    models,
    prompts,
    activations,
    probes,
    evaluations,
    figures,
    representation_figures,
    manipulation_figures,
    paper_figures,
    claims,


rule all:
    default_target: True
    input:
        figure_files([*training_figure(), *figure_names(MAIN)]),
        table_files(MAIN),
        "results/configuration.yaml",
        ["results/findings.md", "results/claims.md"] if "accuracy" in EXPERIMENTS else [],
        expand("results/cards/{model}.json", model=main_models()),


rule models:
    input:
        expand("results/cards/{model}.json", model=STUDY.models),


rule prompts:
    input:
        expand("results/prompts/{context}.parquet", context=STUDY.contexts),


rule activations:
    input:
        [file for run in STUDY.all_runs() for file in STUDY.states(*run)],


rule probes:
    input:
        [file for run in STUDY.all_runs() for file in STUDY.closed_form_files(*run) + STUDY.iterative_files(*run)],


rule evaluations:
    input:
        table_files(MAIN),


rule figures:
    input:
        figure_files([*training_figure(), *figure_names(MAIN)]),


rule representation_figures:
    input:
        group_files("representation"),


rule manipulation_figures:
    input:
        group_files("manipulation"),


rule paper_figures:
    input:
        group_files("representation"),
        group_files("manipulation"),
        group_files("variance"),


rule claims:
    input:
        "results/claims.md",
        [f"results/{subject}_claims.md" for subject in GROUPS if told_experiments(subject)],


# Each experiment is a target of its own name.
for name in ADDED:

    rule:
        name:
            name
        input:
            target_files(name),
        localrule: True
