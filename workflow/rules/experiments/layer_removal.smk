"""One part of a model removed: gain and harm, chosen on validation prompts."""

add_experiment(
    "layer_removal",
    group="manipulation",
    collected={
        "layer_removal": [
            f"results/tables/layer_removal/{model}/{context}.parquet"
            for model, context in STUDY.asked_runs("layer_removal")
        ]
    },
    skipped=STUDY.not_asked("layer_removal"),
    figures={
        "layer_removal": ("plot_layer_removal", ["layer_removal"], "--show removals", "Layer removal"),
        "removal_oracle": ("plot_layer_removal", ["layer_removal"], "--show oracle", "Layer removal"),
    },
)

if STUDY.experiment("layer_removal"):

    rule remove_layers:
        """A model's answers without each block, and without the attention or the MLP of each block."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
        output:
            "results/tables/layer_removal/{model}/{context}.parquet",
        log:
            "results/logs/remove_layers/{model}/{context}.log",
        benchmark:
            "results/benchmarks/remove_layers/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("remove_layers"),
            asking=asking,
            prompts=setting("layer_removal", "prompts"),
            seed=config["seed"],
            resamples=RESAMPLES,
        shell:
            'python "$NUMPROBE"/remove_layers.py --code {params.code} {params.asking} --prompts {input.prompts}'
            " --model {wildcards.model} --context {wildcards.context} --per-operation {params.prompts}"
            " --seed {params.seed} --resamples {params.resamples} --output {output} > {log} 2>&1"
