"""Do halves of the numbers, layers, models and training seeds give the same code?"""

if STUDY.experiment("consistency"):

    CONSISTENCY = STUDY.experiment("consistency")
    HALF_MODELS = [name for name in STUDY.models_of("consistency") if STUDY.experiment_contexts("consistency", name)]
    HALF_UNTRAINED = [
        name for name in HALF_MODELS if name + UNTRAINED in {model for model, _ in STUDY.runs("consistency")}
    ]
    HALF_RUNS = [*HALF_MODELS, *(name + UNTRAINED for name in HALF_UNTRAINED)]

    add_experiment(
        "consistency",
        collected={
            "consistency": [
                *(f"results/tables/consistency/{model}.parquet" for model in HALF_RUNS),
                *(["results/tables/consistency_models.parquet"] if HALF_RUNS else []),
            ]
        },
        skipped=STUDY.not_applicable("consistency", CONSISTENCY["contexts"]),
        figures={
            "consistency": ("plot_consistency", ["consistency"], "--what layers", "Consistency"),
            "consistency_angles": ("plot_consistency", ["consistency"], "--what angles", "Consistency"),
            "consistency_models": ("plot_consistency", ["consistency"], "--what models", "Consistency"),
        },
    )

    rule fit_halves:
        """The probe on both halves of the numbers, layer by layer; halves and layers compared."""
        input:
            lambda wildcards: [
                file for context in half_contexts(wildcards.model) for file in STUDY.states(wildcards.model, context)
            ],
        output:
            table="results/tables/consistency/{model}.parquet",
            kernels="results/kernels/{model}.safetensors",
        log:
            "results/logs/fit_halves/{model}.log",
        benchmark:
            "results/benchmarks/fit_halves/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
            runtime=minutes(120),
        params:
            code=digest("fit_halves"),
            model=lambda wildcards: base_model(wildcards).name,
            control=lambda wildcards: control_of(wildcards.model),
            contexts=lambda wildcards: " ".join(half_contexts(wildcards.model)),
            states=lambda wildcards: [
                f"results/activations/{wildcards.model}/{context}" for context in half_contexts(wildcards.model)
            ],
            numbers=RANGE,
            draws=CONSISTENCY["draws"],
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/fit_halves.py --code {params.code} --model {params.model} --control {params.control}'
            " --contexts {params.contexts} --activations {params.states} {params.numbers} --draws {params.draws}"
            " --resamples {params.resamples} --seed {params.seed} --kernels {output.kernels} --output {output.table}"
            " > {log} 2>&1"

    rule compare_models:
        """Kernels and frequencies of all models compared with each other."""
        input:
            kernels=expand("results/kernels/{model}.safetensors", model=HALF_MODELS),
            untrained=expand("results/kernels/{model}.safetensors", model=[m + UNTRAINED for m in HALF_UNTRAINED]),
        output:
            "results/tables/consistency_models.parquet",
        log:
            "results/logs/compare_models.log",
        benchmark:
            "results/benchmarks/compare_models.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
            runtime=minutes(120),
        params:
            code=digest("compare_models"),
            models=" ".join(HALF_MODELS),
            runs=" ".join(STUDY.models[model].entry.get("of", model) for model in HALF_MODELS),
            specifications=" ".join(STUDY.specification(model) for model in HALF_MODELS),
            untrained=" ".join(HALF_UNTRAINED),
            numbers=RANGE,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/compare_models.py --code {params.code} --models {params.models} --runs {params.runs}'
            " --specifications {params.specifications} --kernels {input.kernels}"
            " --untrained-models {params.untrained} --untrained {input.untrained} {params.numbers}"
            " --resamples {params.resamples} --seed {params.seed} --output {output} > {log} 2>&1"
