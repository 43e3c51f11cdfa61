"""Join the tables of single models and contexts to one per experiment, and write the pages of findings."""


rule collect_tables:
    """Join one table per experiment, with a row for every model and context that is not applicable."""
    input:
        lambda wildcards: COLLECTED[wildcards.table][0],
    output:
        parquet="results/tables/{table}.parquet",
        csv="results/tables/{table}.csv",
    log:
        "results/logs/collect_tables/{table}.log",
    benchmark:
        "results/benchmarks/collect_tables/{table}.tsv"
    wildcard_constraints:
        table="|".join(map(re.escape, COLLECTED)),
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        digest=digest("collect_tables"),
        skipped=lambda wildcards: not_applicable_options(COLLECTED[wildcards.table][1]),
    shell:
        'python "$NUMPROBE"/collect_tables.py --digest {params.digest} --tables {input} {params.skipped}'
        " --output {output.parquet} > {log} 2>&1"


# Tables of the page of findings besides the accuracies, by option of its program.
FURTHER_FINDINGS = {"chosen": "chosen_layers", "transfer": "transfer"}
FURTHER_FINDINGS = {option: table for option, table in FURTHER_FINDINGS.items() if COLLECTED.get(table, [[]])[0]}
# Main experiments with a folder of which anything is measured, and their tables.
FURTHER_TABLES = {
    name: tables
    for name in MAIN
    if name in DECLARED
    for tables in [[table for table in DECLARED[name].tables if COLLECTED.get(table, [[]])[0]]]
    if tables
}


rule write_findings:
    """Write the main results as a page of Markdown tables."""
    input:
        accuracy="results/tables/accuracy.parquet",
        claims="results/tables/claims.parquet",
        others=[f"results/tables/{table}.parquet" for table in FURTHER_FINDINGS.values()],
        tables=[f"results/tables/{table}.parquet" for tables in FURTHER_TABLES.values() for table in tables],
        logs=training_logs(),
    output:
        "results/findings.md",
    log:
        "results/logs/write_findings.log",
    benchmark:
        "results/benchmarks/write_findings.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        digest=digest("write_findings", *(FOLDER / name / "findings.py" for name in FURTHER_TABLES)),
        experiments=" ".join(FURTHER_TABLES),
        others=" ".join(
            f"--{option} {moved(f'results/tables/{table}.parquet')}" for option, table in FURTHER_FINDINGS.items()
        ),
        probe=LEADING,
        origins=origin_pairs(),
    shell:
        'python "$NUMPROBE"/write_findings.py --digest {params.digest} --accuracy {input.accuracy} --claims {input.claims}'
        " --logs {input.logs} {params.others} --experiments {params.experiments} --tables {input.tables} --probe {params.probe}"
        " {params.origins}"
        " --output {output} > {log} 2>&1"


for subject in GROUPS:

    rule:
        name:
            f"write_{subject}"
        input:
            tables=[f"results/tables/{table}.parquet" for table in tables_of(subject)],
            claims=f"results/tables/{subject}_claims.parquet",
        output:
            f"results/{subject}.md",
        log:
            f"results/logs/write_{subject}.log",
        benchmark:
            f"results/benchmarks/write_{subject}.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            digest=digest("write_page", *(FOLDER / name / "findings.py" for name in told_experiments(subject))),
            subject=subject,
            experiments=" ".join(told_experiments(subject)),
            origins=origin_pairs(),
        shell:
            'python "$NUMPROBE"/write_page.py --digest {params.digest} --subject {params.subject} --tables {input.tables}'
            " --claims {input.claims} --experiments {params.experiments} {params.origins} --output {output} > {log} 2>&1"
