"""One probe for all layers and contexts of a model."""

# Models as they are, untrained and mixed, with the contexts in which they read a number at its own token.
MIXED_RUNS = [run for model in STUDY.models_of("universal_probe") for run in STUDY.mixed_runs(model)]
UNIVERSAL = {
    name: STUDY.own_token_contexts(name)
    for name in [*dict(STUDY.runs("universal_probe")), *MIXED_RUNS]
    if STUDY.own_token_contexts(name)
}

add_experiment(
    "universal_probe",
    collected={"universal_probe": [f"results/tables/universal_probe/{name}.parquet" for name in UNIVERSAL]},
    figures={
        "universal_probe": (
            "plot_universal_probe",
            ["universal_probe", *(["cross_layer"] if STUDY.experiment("cross_layer") else [])],
            "",
            "Universal probe",
        ),
    },
    files=[f"results/probes/{name}/universal/fourier.safetensors" for name in UNIVERSAL],
)


if STUDY.experiment("universal_probe"):

    # One rule per run: which variants there are depends on the model's contexts.
    for name in UNIVERSAL:

        rule:
            name:
                f"fit_universal_probe_{name}"
            input:
                own_token_states,
            output:
                any_model(universal_probes(name) + universal_variants(name), name),
            log:
                "results/logs/fit_universal_probe/{model}.log",
            benchmark:
                "results/benchmarks/fit_universal_probe/{model}.tsv"
            wildcard_constraints:
                model=re.escape(name),
            conda:
                "../../envs/numprobe.yaml"
            threads: 1
            resources:
                mem_mb=memory(6000),
                runtime=minutes(240),
            params:
                code=digest("fit_universal_probe"),
                folders=own_token_folders,
                folder=subpath(output[0], parent=True),
                controls="shuffled" if len(universal_probes(name)) > 1 else "",
                leave_out=" ".join(map(str, STUDY.experiment("universal_probe")["leave_out"])),
                split=f"{RANGE} {SPLIT}",
            shell:
                'python "$NUMPROBE"/fit_universal_probe.py --code {params.code} {params.folders}'
                " --controls {params.controls} --leave-out {params.leave_out} {params.split}"
                " --output {params.folder} > {log} 2>&1"

    rule evaluate_universal_probe:
        """What one probe for all states costs against a probe of each."""
        input:
            states=own_token_states,
            own=lambda wildcards: expand(
                "results/probes/{model}/{context}/fourier.safetensors",
                model=wildcards.model,
                context=UNIVERSAL[wildcards.model],
            ),
            universal=lambda wildcards: universal_probes(wildcards.model),
            variants=lambda wildcards: universal_variants(wildcards.model),
        output:
            "results/tables/universal_probe/{model}.parquet",
        log:
            "results/logs/evaluate_universal_probe/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_universal_probe/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_universal_probe"),
            folders=own_token_folders,
            control=control_options,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_universal_probe.py --code {params.code} {params.folders} --own {input.own}'
            " --variants {input.variants} --universal {input.universal} {params.control}"
            " --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"
