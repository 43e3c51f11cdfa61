"""numprobe: how do language models represent and manipulate numbers?

The stages follow the data: models and prompts -> activations -> probes -> evaluations -> figures -> report.
Configuration: config/config.yaml, every key in config/README.md. Named targets below stop midway.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


# Not just the path: Snakemake finds no file beside a Snakefile in the root of a local repository.
include: workflow.current_basedir.join("workflow/rules/source.smk")


sys.path[:0] = [str(LIBRARY), str(ROOT / "workflow")]


configfile: ROOT / "config" / "config.yaml"


include: ROOT / "workflow/rules/common.smk"
include: ROOT / "workflow/rules/models.smk"
include: ROOT / "workflow/rules/prompts.smk"
include: ROOT / "workflow/rules/activations.smk"
include: ROOT / "workflow/rules/probes.smk"
include: ROOT / "workflow/rules/evaluations.smk"
include: ROOT / "workflow/rules/answers.smk"
include: ROOT / "workflow/rules/experiments.smk"
include: ROOT / "workflow/rules/matched.smk"
include: ROOT / "workflow/rules/tables.smk"
include: ROOT / "workflow/rules/claims.smk"
include: ROOT / "workflow/rules/figures.smk"
include: ROOT / "workflow/rules/explorer.smk"
include: ROOT / "workflow/rules/lens.smk"


onstart:
    # Snakemake's default limit of 100 jobs a second lets the scheduler plan once more per second after every job, for
    # good: after some hundred jobs planning takes a whole core. A study never reaches that limit; a lower one is kept.
    limit = workflow.scheduler.job_rate_limiter
    if limit and limit.max_jobs >= 100 * limit.timespan:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    # What was damaged after its last reader.
    refuse_damage(made_files(workflow.dag))


rule all:
    default_target: True
    input:
        figure_files([*training_figure(), *figure_names(MAIN)]),
        table_files(MAIN),
        "results/configuration.yaml",
        "results/version.json",
        ["results/findings.md", "results/claims.md"] if "accuracy" in EXPERIMENTS else [],
        explorer_file(),
        expand("results/lens/{model}/levels.json", model=LENS_CONTEXTS),
        expand("results/cards/{model}.json", model=main_models()),
    localrule: True


rule models:
    input:
        expand("results/cards/{model}.json", model=STUDY.models),
    localrule: True


rule prompts:
    input:
        expand("results/prompts/{context}.parquet", context=STUDY.contexts),
    localrule: True


rule activations:
    input:
        [file for run in STUDY.all_runs() for file in STUDY.states(*run)],
    localrule: True


rule probes:
    input:
        [file for run in STUDY.all_runs() for file in STUDY.closed_form_files(*run) + STUDY.iterative_files(*run)],
    localrule: True


rule evaluations:
    input:
        table_files(MAIN),
    localrule: True


rule figures:
    input:
        figure_files([*training_figure(), *figure_names(MAIN)]),
    localrule: True


rule representation_figures:
    input:
        group_files("representation"),
    localrule: True


rule manipulation_figures:
    input:
        group_files("manipulation"),
    localrule: True


rule paper_figures:
    input:
        group_files("representation"),
        group_files("manipulation"),
        group_files("variance"),
    localrule: True


rule claims:
    input:
        "results/claims.md",
        [f"results/{subject}_claims.md" for subject in GROUPS if told_experiments(subject)],
    localrule: True


# Each experiment is a target of its own name.
for name in ADDED:

    rule:
        name:
            name
        input:
            target_files(name),
        localrule: True
