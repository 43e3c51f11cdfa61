"""The state at an operand's token moved to another number: does the answer follow?"""

STEERING_RUNS = STUDY.operand_runs("steering")

add_experiment(
    "steering",
    collected={"steering": [f"results/tables/steering/{model}/{context}.parquet" for model, context in STEERING_RUNS]},
    skipped=STUDY.no_operands("steering"),
    figures={"steering": ("plot_steering", ["steering"], "", "27. Steering")},
    group="manipulation",
)


if STUDY.experiment("steering"):

    rule steer_operands:
        """Along the patterns, along the read-out, towards another number and in random directions."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            patterns=operand_patterns,
            probe=operand_probe,
        output:
            "results/tables/steering/{model}/{context}.parquet",
        log:
            "results/logs/steer_operands/{model}/{context}.log",
        benchmark:
            "results/benchmarks/steer_operands/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
            gpu=gpus,
        params:
            code=digest("steer_operands"),
            asking=asking,
            operand=lambda wildcards: STUDY.operand("steering", wildcards.context),
            layers=lambda wildcards: " ".join(STUDY.operand_layers("steering", wildcards.model)),
            strengths=setting("steering", "strengths"),
            prompts=setting("steering", "prompts"),
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/steer_operands.py --code {params.code} {params.asking} --prompts {input.prompts}'
            " --model {wildcards.model} --context {wildcards.context} --probe {input.probe}"
            " --patterns {input.patterns} --operand {params.operand} --layers {params.layers}"
            " --strengths {params.strengths} --per-operation {params.prompts} --resamples {params.resamples}"
            " --seed {params.seed} --output {output} > {log} 2>&1"
