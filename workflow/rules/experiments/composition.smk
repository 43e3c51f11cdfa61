"""Is the state of a number more than its digits added up?"""

add_experiment(
    "composition",
    collected={
        "composition": [
            f"results/tables/composition/{model}.parquet"
            for model in STUDY.models_of("composition")
            if model in dict(STUDY.runs("composition"))
        ]
    },
    skipped=STUDY.not_applicable("composition"),
    figures={"composition": ("plot_composition", ["composition"], "", "Composition of digits")},
)


if STUDY.experiment("composition"):

    rule evaluate_composition:
        """Shares of the variance between numbers: additive in digits, in pairs of digits, of the whole number."""
        input:
            states=lambda wildcards: [file for run in composition_runs(wildcards) for file in STUDY.states(*run)],
        output:
            "results/tables/composition/{model}.parquet",
        log:
            "results/logs/evaluate_composition/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_composition/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(2000),
            runtime=minutes(60),
        params:
            code=digest("evaluate_composition"),
            folders=lambda wildcards: manifests(composition_runs(wildcards)),
            controls=lambda wildcards: [control_of(name) for name, _ in composition_runs(wildcards)],
            layers=lambda wildcards: STUDY.models[wildcards.model].layers,
            one_state=[context for context in (VOCABULARY, *STUDY.contexts) if STUDY.one_state(context)],
            numbers=RANGE,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_composition.py --code {params.code} --activations {params.folders}'
            " --controls {params.controls} --model {wildcards.model} --layers {params.layers}"
            " --one-state {params.one_state} {params.numbers} --seed {params.seed} --output {output} > {log} 2>&1"
