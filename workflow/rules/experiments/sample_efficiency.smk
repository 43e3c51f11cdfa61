"""How much data does each probe need?"""

if STUDY.experiment("sample_efficiency"):

    EFFICIENCY = STUDY.experiment("sample_efficiency")

    add_experiment(
        "sample_efficiency",
        collected={
            "sample_efficiency": [
                f"results/tables/sample_efficiency/{model}/{context}.parquet"
                for model, context in STUDY.sample_efficiency_runs()
            ]
        },
        skipped=sample_efficiency_skipped(),
        figures={
            "sample_efficiency": (
                "plot_sample_efficiency",
                ["sample_efficiency"],
                "",
                "How much data a probe needs",
            )
        },
    )

    rule evaluate_sample_efficiency:
        """Every probe on 8, 16, ... numbers, and its prequential code length."""
        input:
            states_of,
        output:
            "results/tables/sample_efficiency/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_sample_efficiency/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_sample_efficiency/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            code=digest("evaluate_sample_efficiency"),
            states=states_folder,
            layer=lambda wildcards: STUDY.layer(wildcards.model, wildcards.context, EFFICIENCY["layer"]),
            probes=" ".join(STUDY.closed_form),
            iterative=lambda wildcards: " ".join(
                entry["name"] for entry in STUDY.iterative_entries(wildcards.model, wildcards.context)
            ),
            amounts="--values {} --prompts {} --held-out {} --orders {}".format(
                " ".join(map(str, EFFICIENCY["values"])),
                " ".join(map(str, EFFICIENCY["prompts"])),
                EFFICIENCY["held_out"],
                EFFICIENCY["orders"],
            ),
            iterative_values=" ".join(map(str, EFFICIENCY["iterative_values"])),
            numbers=RANGE,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_sample_efficiency.py --code {params.code} --model {wildcards.model}'
            " --context {wildcards.context} --activations {params.states} --layer {params.layer}"
            " --probes {params.probes} --iterative {params.iterative} --iterative-values {params.iterative_values}"
            " {params.amounts} {params.numbers} --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"
