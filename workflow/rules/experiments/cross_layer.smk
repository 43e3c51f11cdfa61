"""Does the probe of one layer read another, and does one that was fitted on all other layers?"""

add_experiment(
    "cross_layer",
    collected={
        "cross_layer": [
            f"results/tables/cross_layer/{model}/{context}.parquet"
            for model, context in STUDY.runs("cross_layer")
            if context != VOCABULARY
        ]
    },
    skipped=STUDY.not_applicable("cross_layer", STUDY.contexts),
    figures={
        "cross_layer": ("plot_cross_layer", ["cross_layer"], "", "Across layers"),
        "left_out_layers": ("plot_left_out_layers", ["cross_layer"], "", "Across layers"),
    },
)


if STUDY.experiment("cross_layer"):

    rule evaluate_cross_layer:
        """Every layer read with the probes of the others, one by one and fitted together."""
        input:
            states=states_of,
            probes=lambda wildcards: [
                f"results/probes/{wildcards.model}/{wildcards.context}/fourier{ending}.safetensors"
                for ending in [
                    "",
                    *(f".{name}" for name in STUDY.probe_controls(wildcards.model) if name == "shuffled"),
                ]
            ],
        output:
            "results/tables/cross_layer/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_cross_layer/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_cross_layer/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(6000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_cross_layer"),
            states=states_folder,
            model=lambda wildcards: base_model(wildcards).name,
            control=lambda wildcards: control_of(wildcards.model),
            left_out=lambda wildcards: (
                "--left-out" if wildcards.context in STUDY.own_token_contexts(wildcards.model) else ""
            ),
            per_value=STUDY.experiment("cross_layer")["per_value"],
            resamples=RESAMPLES,
            split=f"{RANGE} {SPLIT}",
        shell:
            'python "$NUMPROBE"/evaluate_cross_layer.py --code {params.code} --activations {params.states}'
            " --probes {input.probes} --model {params.model} --control {params.control} {params.left_out}"
            " --per-value {params.per_value} --resamples {params.resamples} {params.split}"
            " --output {output} > {log} 2>&1"
