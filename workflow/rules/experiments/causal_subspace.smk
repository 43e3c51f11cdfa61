"""The subspace that the model uses, found by interchange, beside that of the probe."""

CAUSAL_RUNS = STUDY.operand_runs("causal_subspace")

add_experiment(
    "causal_subspace",
    collected={
        "causal_subspace": [
            f"results/tables/causal_subspace/{model}/{context}.parquet" for model, context in CAUSAL_RUNS
        ]
    },
    skipped=STUDY.no_operands("causal_subspace"),
    figures={
        "causal_subspace": ("plot_causal_subspace", ["causal_subspace"], "--what answers", "Causal subspace"),
        "causal_subspace_angles": (
            "plot_causal_subspace",
            ["causal_subspace"],
            "--what angles",
            "Causal subspace",
        ),
    },
    files=[f"results/subspaces/{model}/{context}.safetensors" for model, context in CAUSAL_RUNS],
    group="manipulation",
)


if STUDY.experiment("causal_subspace"):

    rule learn_subspaces:
        """Bases whose interchange between two prompts changes the answer as the operand would."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            probe=operand_probe,
        output:
            "results/subspaces/{model}/{context}.safetensors",
        log:
            "results/logs/learn_subspaces/{model}/{context}.log",
        benchmark:
            "results/benchmarks/learn_subspaces/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("learn_subspaces"),
            asking=asking,
            layers=causal_layers,
            operand=lambda wildcards: STUDY.operand("causal_subspace", wildcards.context),
            operations=setting("causal_subspace", "operations"),
            rank=optional_setting("causal_subspace", "rank"),
            sizes=lambda wildcards: (
                "--seeds {seeds} --pairs {pairs} --test-pairs {test_pairs} --steps {steps} --batch {batch}"
                " --target {target}".format(**STUDY.settings("causal_subspace", wildcards.model))
            ),
            split=f"{RANGE} {SPLIT}",
        shell:
            'python "$NUMPROBE"/learn_subspaces.py --code {params.code} {params.asking} --prompts {input.prompts}'
            " --probe {input.probe} --context {wildcards.context} {params.layers} --operations {params.operations} {params.rank}"
            " --operand {params.operand} {params.sizes} {params.split} --output {output} > {log} 2>&1"

    rule evaluate_causal_subspace:
        """Interchange in these and in other subspaces, angles between them, and what is read from each."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            subspaces="results/subspaces/{model}/{context}.safetensors",
            probe=operand_probe,
            patterns=operand_patterns,
        output:
            "results/tables/causal_subspace/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_causal_subspace/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_causal_subspace/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("evaluate_causal_subspace"),
            asking=asking,
            random=setting("causal_subspace", "random"),
            split=f"{RANGE} {SPLIT}",
            resamples=RESAMPLES,
        shell:
            'python "$NUMPROBE"/evaluate_causal_subspace.py --code {params.code} {params.asking}'
            " --model {wildcards.model} --subspaces {input.subspaces} --probe {input.probe}"
            " --patterns {input.patterns} --random {params.random} {params.split} --resamples {params.resamples}"
            " --output {output} > {log} 2>&1"
