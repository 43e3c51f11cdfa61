"""Without labels: the last state before the answer moved towards the number that the probe reads in it."""

add_experiment(
    "denoising",
    collected={
        "denoising": [
            f"results/tables/denoising/{model}/{context}.parquet" for model, context in STUDY.asked_runs("denoising")
        ]
    },
    skipped=STUDY.not_asked("denoising"),
    figures={
        "denoising": ("plot_outcomes", ["denoising"], "--main 'number that is read'", "Denoising"),
        "denoising_strengths": (
            "plot_outcomes",
            ["denoising"],
            "--strengths --main 'number that is read'",
            "Denoising",
        ),
    },
    group="manipulation",
)

if STUDY.experiment("denoising"):

    rule evaluate_denoising:
        """Gain and harm of the label-free repair, over layers and strengths."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            states=states_of,
            probe="results/probes/{model}/{context}/fourier.safetensors",
            patterns="results/patterns/{model}/{context}.safetensors",
        output:
            "results/tables/denoising/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_denoising/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_denoising/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("evaluate_denoising"),
            options=intervention("denoising"),
            states=states_folder,
            shares=setting("denoising", "shares"),
            rank=optional_setting("denoising", "rank"),
        shell:
            'python "$NUMPROBE"/evaluate_denoising.py --code {params.code} {params.options} --prompts {input.prompts}'
            " --activations {params.states} --probe {input.probe} --patterns {input.patterns} --shares {params.shares}"
            " {params.rank} --output {output} > {log} 2>&1"
