"""Directions taken from the operands' states: answers, and a probe fitted again, over the number of directions."""

ABLATION_RUNS = STUDY.operand_runs("ablation")
ABLATED = list(dict.fromkeys((model, STUDY.operand_context(model)) for model, _ in ABLATION_RUNS))

add_experiment(
    "ablation",
    collected={
        "ablation": [f"results/tables/ablation/{model}/{context}.parquet" for model, context in ABLATION_RUNS],
        "ablated_probe": [f"results/tables/ablated_probe/{model}/{context}.parquet" for model, context in ABLATED],
    },
    skipped=STUDY.no_operands("ablation"),
    figures={
        "ablation": ("plot_ablation", ["ablation"], "", "Ablation"),
        "ablated_probe": ("plot_ablation", ["ablated_probe"], f"--candidates {CANDIDATES}", "Ablation"),
    },
    group="manipulation",
)


if STUDY.experiment("ablation"):

    rule ablate_operands:
        """What the answers lose with the probe's directions, and with as many others."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            patterns=operand_patterns,
            probe=operand_probe,
        output:
            "results/tables/ablation/{model}/{context}.parquet",
        log:
            "results/logs/ablate_operands/{model}/{context}.log",
        benchmark:
            "results/benchmarks/ablate_operands/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
            gpu=gpus,
        params:
            code=digest("ablate_operands"),
            asking=asking,
            operand=lambda wildcards: STUDY.operand("ablation", wildcards.context),
            layers=ablated_layers,
            ranks=setting("ablation", "ranks"),
            draws=setting("ablation", "draws"),
            prompts=setting("ablation", "prompts"),
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/ablate_operands.py --code {params.code} {params.asking} --prompts {input.prompts}'
            " --model {wildcards.model} --context {wildcards.context} --probe {input.probe}"
            " --patterns {input.patterns} --operand {params.operand} --layers {params.layers} --ranks {params.ranks}"
            " --draws {params.draws} --per-operation {params.prompts} --resamples {params.resamples}"
            " --seed {params.seed} --output {output} > {log} 2>&1"

    rule refit_ablated:
        """What a probe still reads without these directions, as it is and fitted again."""
        input:
            states=states_of,
            patterns="results/patterns/{model}/{context}.safetensors",
            probe=operand_probe,
        output:
            "results/tables/ablated_probe/{model}/{context}.parquet",
        log:
            "results/logs/refit_ablated/{model}/{context}.log",
        benchmark:
            "results/benchmarks/refit_ablated/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            code=digest("refit_ablated"),
            states=states_folder,
            layers=ablated_layers,
            ranks=setting("ablation", "ranks"),
            draws=setting("ablation", "draws"),
            folds=setting("ablation", "folds"),
            split=f"{RANGE} {SPLIT}",
            resamples=RESAMPLES,
        shell:
            'python "$NUMPROBE"/refit_ablated.py --code {params.code} --activations {params.states}'
            " --probe {input.probe} --patterns {input.patterns} --layers {params.layers} --ranks {params.ranks}"
            " --draws {params.draws} --read-folds {params.folds} {params.split} --resamples {params.resamples}"
            " --output {output} > {log} 2>&1"
