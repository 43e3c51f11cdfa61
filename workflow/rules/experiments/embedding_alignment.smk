"""Number embeddings moved to the fitted code, and arithmetic measured again."""

# Rows can be moved where numbers have rows of their own.
ALIGNED = STUDY.models_of("embedding_alignment", VOCABULARY)
ALIGNMENT_RUNS = [run for run in STUDY.asked_runs("embedding_alignment") if run[0] in ALIGNED]

add_experiment(
    "embedding_alignment",
    collected={
        "embedding_alignment": [
            f"results/tables/embedding_alignment/{model}/{context}.parquet" for model, context in ALIGNMENT_RUNS
        ]
    },
    skipped=[
        *STUDY.not_asked("embedding_alignment"),
        *(
            f"{model}:{context}:{no_rows(model)}"
            for model, context in STUDY.asked_runs("embedding_alignment")
            if model not in ALIGNED
        ),
    ],
    figures={
        "embedding_alignment": (
            "plot_embedding_alignment",
            ["embedding_alignment"],
            "",
            "Embedding alignment",
        ),
    },
    group="manipulation",
)


if STUDY.experiment("embedding_alignment"):

    rule align_embeddings:
        """What a model answers once the embedding rows of the numbers are moved to the fitted code."""
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=prompts_of,
            patterns=f"results/patterns/{{model}}/{VOCABULARY}.safetensors",
            probe=f"results/probes/{{model}}/{VOCABULARY}/fourier.safetensors",
        output:
            "results/tables/embedding_alignment/{model}/{context}.parquet",
        log:
            "results/logs/align_embeddings/{model}/{context}.log",
        benchmark:
            "results/benchmarks/align_embeddings/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("align_embeddings"),
            asking=asking,
            strengths=" ".join(map(str, STUDY.experiment("embedding_alignment")["strengths"])),
            questions=STUDY.experiment("embedding_alignment")["prompts"],
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/align_embeddings.py --code {params.code} {params.asking} --model {wildcards.model}'
            " --context {wildcards.context} --prompts {input.prompts} --patterns {input.patterns} --probe {input.probe}"
            " --strengths {params.strengths} --questions {params.questions} --resamples {params.resamples}"
            " --seed {params.seed} --output {output} > {log} 2>&1"
