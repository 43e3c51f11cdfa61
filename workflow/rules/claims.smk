"""Evaluate the claims of the study: those of the core, then those of each group of experiments."""

from claims_files import check_committed, claim_files, claims_commit, groups_of_experiments
from numprobe.claims.declare import read_claims

CLAIM_FILES = claim_files(ROOT, FOLDER)

if workflow.is_main_process:
    try:
        # A wrong claim ends the run before its first job, not after its last.
        read_claims([Path(file) for file in CLAIM_FILES])
        if config["confirmatory"]:
            check_committed(ROOT)
    except NumprobeError as error:
        raise WorkflowError(str(error))

GROUP_OF = groups_of_experiments(MAIN)


def claimed_tables(subject):
    """Return the collected tables that the claims of a group may read."""
    names = [name for name in EXPERIMENTS if name in MAIN] if subject == "main" else experiments_of(subject)
    return [file for file in table_files(names) if Path(file).stem in COLLECTED]


def claim_readings(subject):
    """Return the readings of single rows of the models and of one control of each kind; only the core compares these."""
    if subject != "main" or "accuracy" not in EXPERIMENTS:
        return []
    runs = [run for run in STUDY.all_runs("accuracy") if Run.parse(run[0]).control in ("none", "untrained", "mixed")]
    return [f"results/predictions/{model}/{context}.parquet" for model, context in runs]


def claims_told(subject):
    """Return the options that select the claims of a group: those whose last experiment is of the group."""
    order = ["main", *GROUPS]
    later = order[order.index(subject) + 1 :]
    told = [name for name, group in GROUP_OF.items() if group == subject and subject != "main"]
    elsewhere = [name for name, group in GROUP_OF.items() if group in later]
    return " ".join(["--told", *told, "--elsewhere", *elsewhere])


for subject, prefix in [("main", ""), *((name, f"{name}_") for name in GROUPS)]:

    rule:
        name:
            f"evaluate_{prefix}claims"
        input:
            claims=CLAIM_FILES,
            tables=claimed_tables(subject),
            predictions=claim_readings(subject),
        output:
            outcomes=f"results/tables/{prefix}claims.parquet",
            verdicts=f"results/tables/{prefix}verdicts.parquet",
            page=f"results/{prefix}claims.md",
        log:
            f"results/logs/evaluate_{prefix}claims.log",
        benchmark:
            f"results/benchmarks/evaluate_{prefix}claims.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            digest=digest("evaluate_claims"),
            experiments=EXPERIMENTS,
            told=claims_told(subject),
            models=[entry["name"] for entry in config["models"]],
            uncounted=list(STUDY.origins),
            commit=lambda wildcards: claims_commit(ROOT),
            confirmatory="--confirmatory" if config["confirmatory"] else "",
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_claims.py --digest {params.digest} --claims {input.claims:q}'
            " --experiments {params.experiments} {params.told} --tables {input.tables}"
            " --predictions {input.predictions} --models {params.models} --uncounted {params.uncounted}"
            " --commit {params.commit:q} {params.confirmatory} --seed {params.seed} --outcomes {output.outcomes}"
            " --verdicts {output.verdicts} --page {output.page} > {log} 2>&1"
