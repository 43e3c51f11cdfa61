"""Every probe layer by layer: those of gradient descent beside the closed-form ones, and selectivity."""

LAYERED = STUDY.experiment("layer_probes") or {"iterative": [], "selectivity": []}
LAYER_RUNS = [(model, context) for model in STUDY.models_of("layer_probes") for context in STUDY.layer_contexts(model)]
LAYER_TABLES = {
    "layer_probes": [run for run in LAYER_RUNS if LAYERED["iterative"] and run[0] in LAYERED.get("models", run)],
    "selectivity": [
        (model, context)
        for model, context in LAYER_RUNS
        if context in LAYERED.get("selectivity", STUDY.contexts_of_kind(model, "operand"))
    ],
}
LAYER_TABLES = {
    table: [f"results/tables/{table}/{model}/{context}.parquet" for model, context in runs]
    for table, runs in LAYER_TABLES.items()
    if runs
}

add_experiment(
    "layer_probes",
    collected=LAYER_TABLES,
    figures={
        "layer_probes": (
            "plot_layer_probes",
            ["accuracy", *LAYER_TABLES],
            f"--candidates {CANDIDATES} --contexts {' '.join(dict.fromkeys(context for _, context in LAYER_RUNS))}"
            f" --faithful {' '.join(entry['name'] for entry in STUDY.iterative if entry['faithful'])}",
            "Layer probes",
        )
    },
)


if STUDY.experiment("layer_probes"):

    LAYER_PROBES = "results/probes/{model}/{context}/layer_probes"
    PUBLISHED_KINDS = [kind for kind in LAYERED["iterative"] if kind != "mlp"]
    LAYER_FITS = iterative_fits(LAYERED, PUBLISHED_KINDS, {"faithful": True})

    for fit in LAYER_FITS:

        rule:
            name:
                f"fit_{fit.name}_layer_probes"
            input:
                states_of,
            output:
                [f"{LAYER_PROBES}/{file}.safetensors" for file in fit.files],
            log:
                f"results/logs/fit_{fit.name}_layer_probes/{{model}}/{{context}}.log",
            benchmark:
                f"results/benchmarks/fit_{fit.name}_layer_probes/{{model}}/{{context}}.tsv"
            wildcard_constraints:
                model="|".join(map(re.escape, STUDY.models)),
            conda:
                "../../envs/numprobe.yaml"
            threads: 1
            resources:
                mem_mb=lambda wildcards, attempt: 4000 * 4 ** (attempt - 1),
                runtime=minutes(1200),
            params:
                code=digest("fit_iterative_probes"),
                states=states_folder,
                folder=subpath(output[0], parent=True),
                options=fit.options,
                folds=LAYERED["iterative_folds"],
                split=f"{RANGE} {SPLIT}",
            shell:
                'python "$NUMPROBE"/fit_iterative_probes.py --code {params.code} --activations {params.states}'
                " --output {params.folder} {params.options} --fold-limit {params.folds} {params.split} > {log} 2>&1"

    rule evaluate_layer_probes:
        """The probes of gradient descent on the numbers that they have not seen."""
        input:
            states=states_of,
            probes=lambda wildcards: [
                f"{LAYER_PROBES}/{file}.safetensors" for file in iterative_files(LAYERED, LAYER_FITS, wildcards.model)
            ],
            card="results/cards/{model}.json",
        output:
            "results/tables/layer_probes/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_layer_probes/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_layer_probes/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            code=digest("evaluate_layer_probes"),
            states=states_folder,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_layer_probes.py --code {params.code} --activations {params.states}'
            " --probes {input.probes} --card {input.card} --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"

    rule evaluate_selectivity:
        """How well probes learn random labels of the numbers, beside how well they read the numbers."""
        input:
            states_of,
        output:
            "results/tables/selectivity/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_selectivity/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_selectivity/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * 4 ** (attempt - 1),
            runtime=minutes(240),
        params:
            code=digest("evaluate_selectivity"),
            states=states_folder,
            probes=" ".join(STUDY.closed_form),
            groups=LAYERED["groups"],
            numbers=RANGE,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_selectivity.py --code {params.code} --activations {params.states}'
            " --probes {params.probes} --groups {params.groups} {params.numbers} --resamples {params.resamples}"
            " --seed {params.seed} --output {output} > {log} 2>&1"
