"""Pages on which the tables are explored in a browser: one for the default study, one for each group of experiments."""

# Headings of the experiments of the core, which have no declaration.
CORE_TITLES = {
    "accuracy": "Accuracy per layer",
    "transfer": "Transfer between contexts",
    "spectra": "Spectra of the embeddings",
    "examples": "Decoded numbers",
}


def explored_tables(name):
    """Return the tables that a page shows of an experiment: its own, else those that its figures draw."""
    own = [Path(file).stem for file in table_files([name]) if Path(file).match("results/tables/*.parquet")]
    drawn = [table for figure in figure_names([name]) if figure in PLOTS for table in PLOTS[figure][1]]
    return own or list(dict.fromkeys(drawn))


def explored(experiments):
    """Return the entries of the experiments that have any table, for the program."""
    titles = CORE_TITLES | {name: declared.title for name, declared in DECLARED.items()}
    entries = [{"name": name, "title": titles[name], "tables": explored_tables(name)} for name in experiments]
    return [entry for entry in entries if entry["tables"]]


def main_findings():
    """Return the page of the main findings, if the study has one."""
    return ["results/findings.md"] if "accuracy" in EXPERIMENTS else []


# Experiments and pages of findings of each explorer, by the beginning of its name.
EXPLORERS = {"": ([name for name in EXPERIMENTS if name in MAIN], main_findings())}
for subject in GROUPS:
    if told_experiments(subject):
        EXPLORERS[f"{subject}_"] = (
            experiments_of(subject),
            [*(main_findings() if subject == "representation" else []), f"results/{subject}.md"],
        )
EXPLORERS = {prefix: plan for prefix, plan in EXPLORERS.items() if explored(plan[0])}


def explorer_file(prefix=""):
    """Return the explorer of the default study or of a group of experiments, if it has anything to show."""
    return [f"results/{prefix}explorer.html"] if prefix in EXPLORERS else []


for prefix, (experiments, pages) in EXPLORERS.items():

    rule:
        name:
            f"write_{prefix}explorer"
        input:
            tables=list(
                dict.fromkeys(
                    f"results/tables/{table}.parquet" for e in explored(experiments) for table in e["tables"]
                )
            ),
            findings=pages,
        output:
            report(
                f"results/{prefix}explorer.html",
                caption="../report/explorer.rst",
                category=numbered("Explorer"),
                labels={"page": "explorer"},
            ),
        log:
            f"results/logs/write_{prefix}explorer.log",
        benchmark:
            f"results/benchmarks/write_{prefix}explorer.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            digest=digest("write_explorer"),
            # A function, because braces must not be taken for wildcards.
            experiments=lambda wildcards, entries=explored(experiments): json.dumps(entries),
        shell:
            'python "$NUMPROBE"/write_explorer.py --digest {params.digest} --experiments {params.experiments:q}'
            " --tables {input.tables} --findings {input.findings} --unnamed accuracy --output {output} > {log} 2>&1"
