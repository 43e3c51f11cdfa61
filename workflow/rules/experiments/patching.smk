"""The true number written into the last state before the answer (oracle), beside wrong numbers and random directions."""

add_experiment(
    "patching",
    collected={
        "patching": [
            f"results/tables/patching/{model}/{context}.parquet" for model, context in STUDY.asked_runs("patching")
        ]
    },
    skipped=STUDY.not_asked("patching"),
    figures={
        "patching": ("plot_outcomes", ["patching"], "--main 'true result (oracle)'", "Patching"),
        "patching_strengths": (
            "plot_outcomes",
            ["patching"],
            "--strengths --main 'true result (oracle)'",
            "Patching",
        ),
    },
    group="manipulation",
)


if STUDY.experiment("patching"):

    rule evaluate_patching:
        """Gain and harm of the patch, over layers and strengths."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            patterns="results/patterns/{model}/{context}.safetensors",
            wave=published_probe,
        output:
            "results/tables/patching/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_patching/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_patching/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(1440),
            gpu=gpus,
        params:
            code=digest("evaluate_patching"),
            options=intervention("patching"),
            wave=lambda wildcards, input: (
                f"--wave {input.wave} --steps {setting('patching', 'steps')(wildcards)}" if input.wave else ""
            ),
        shell:
            'python "$NUMPROBE"/evaluate_patching.py --code {params.code} {params.options} --prompts {input.prompts}'
            " --patterns {input.patterns} {params.wave} --output {output} > {log} 2>&1"
