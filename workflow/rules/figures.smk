"""Figures, drawn from the joined tables alone."""

for figure, (drawn_by, tables, values) in PLOTS.items():

    rule:
        name:
            f"plot_{figure}"
        input:
            expand("results/tables/{table}.parquet", table=tables),
        output:
            figure_outputs(figure),
        log:
            f"results/logs/plot/{figure}.log",
        benchmark:
            f"results/benchmarks/plot/{figure}.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            digest=digest("plot", FOLDER.parent.joinpath(*drawn_by.split(".")).with_suffix(".py")),
            module=drawn_by,
            figure="not_applicable" if drawn_by == NOT_APPLICABLE else figure,
            values=json.dumps(values, sort_keys=True),
            output=subpath(output[0], strip_suffix=".png"),
            formats=" ".join(FORMATS),
        shell:
            'python "$NUMPROBE"/plot.py {params.module} --figure {params.figure} --values {params.values:q}'
            " --digest {params.digest} --table {input} --output {params.output} --formats {params.formats} > {log} 2>&1"


if training_logs():

    rule plot_training:
        """Draw loss and held-out accuracy of the trained models."""
        input:
            training_logs(),
        output:
            figure_outputs("training"),
        log:
            "results/logs/plot/training.log",
        benchmark:
            "results/benchmarks/plot/training.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            digest=digest("plot_training"),
            output=subpath(output[0], strip_suffix=".png"),
            formats=" ".join(FORMATS),
        shell:
            'python "$NUMPROBE"/plot_training.py --digest {params.digest} --logs {input} --output {params.output}'
            " --formats {params.formats} > {log} 2>&1"


rule write_configuration:
    """Write the configuration with all defaults, for the report and for readers of the results."""
    output:
        report("results/configuration.yaml", caption="../report/configuration.rst", category=numbered("Configuration")),
    log:
        "results/logs/write_configuration.log",
    benchmark:
        "results/benchmarks/write_configuration.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        digest=digest("write_configuration"),
        # A function, because braces in the configuration must not be taken for wildcards.
        configuration=lambda wildcards: json.dumps({key: config[key] for key in config if key != "quantised"}),
    shell:
        'python "$NUMPROBE"/write_configuration.py --digest {params.digest} --configuration {params.configuration:q}'
        " --output {output} > {log} 2>&1"


rule write_version:
    """Write which version and commit of numprobe planned the study, and the versions of the libraries."""
    output:
        report("results/version.json", caption="../report/version.rst", category=numbered("Configuration")),
    log:
        "results/logs/write_version.log",
    benchmark:
        "results/benchmarks/write_version.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        digest=digest("write_version"),
        commit=lambda wildcards: source_commit(ROOT),
        snakemake=version("snakemake"),
    shell:
        'python "$NUMPROBE"/write_version.py --digest {params.digest} --commit {params.commit:q}'
        " --snakemake {params.snakemake} --output {output} > {log} 2>&1"
