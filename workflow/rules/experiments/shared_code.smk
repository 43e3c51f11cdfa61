"""One number code for all models: learned on the others, a linear map alone fitted on the target."""

if STUDY.experiment("shared_code"):

    CODE_DRAWS = STUDY.experiment("shared_code")["draws"]
    CODE_MODELS = [name for name in STUDY.models_of("shared_code") if STUDY.experiment_contexts("shared_code", name)]
    # Another model is one that is no checkpoint, and not the run of which the target is one.
    CODE_SOURCES = {
        target: [name for name in CODE_MODELS if name in STUDY.unrelated_models(target)] for target in CODE_MODELS
    }
    CODE_TARGETS = [target for target, sources in CODE_SOURCES.items() if sources]

    add_experiment(
        "shared_code",
        collected={"shared_code": [f"results/tables/shared_code/{model}.parquet" for model in CODE_TARGETS]},
        skipped=[
            *(f"{model}:{VOCABULARY}:no other model" for model in CODE_MODELS if model not in CODE_TARGETS),
            *STUDY.not_applicable("shared_code", STUDY.experiment("shared_code")["contexts"]),
        ],
        figures={
            "shared_code": ("plot_shared_code", ["shared_code"], f"--candidates {CANDIDATES}", "One code for all"),
            "shared_code_sources": ("plot_shared_code", ["shared_code"], "--what sources", "One code for all"),
        },
    )

    rule learn_codes:
        """How well each wave is predicted from a model's states, on held-out numbers."""
        input:
            lambda wildcards: code_states(wildcards.model),
        output:
            "results/codes/{model}.parquet",
        log:
            "results/logs/learn_codes/{model}.log",
        benchmark:
            "results/benchmarks/learn_codes/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            code=digest("learn_codes"),
            contexts=lambda wildcards: " ".join(code_contexts(wildcards.model)),
            states=lambda wildcards: code_folders(wildcards.model),
            numbers=RANGE,
            draws=CODE_DRAWS,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/learn_codes.py --code {params.code} --model {wildcards.model}'
            " --contexts {params.contexts} --activations {params.states} {params.numbers} --draws {params.draws}"
            " --seed {params.seed} --output {output} > {log} 2>&1"

    rule evaluate_shared_code:
        """A code learned on other models, one linear map fitted on half of the target's numbers, tested on the rest."""
        input:
            states=lambda wildcards: code_states(wildcards.model),
            untrained=lambda wildcards: [
                file for control in untrained_model(wildcards.model) for file in code_states(control)
            ],
            evidence=lambda wildcards: expand("results/codes/{model}.parquet", model=CODE_SOURCES[wildcards.model]),
            card="results/cards/{model}.json",
        output:
            "results/tables/shared_code/{model}.parquet",
        log:
            "results/logs/evaluate_shared_code/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_shared_code/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            code=digest("evaluate_shared_code"),
            contexts=lambda wildcards: " ".join(code_contexts(wildcards.model)),
            states=lambda wildcards: code_folders(wildcards.model),
            untrained=lambda wildcards: [
                folder for control in untrained_model(wildcards.model) for folder in code_folders(control)
            ],
            sources=lambda wildcards: " ".join(CODE_SOURCES[wildcards.model]),
            numbers=RANGE,
            draws=CODE_DRAWS,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_shared_code.py --code {params.code} --model {wildcards.model}'
            " --contexts {params.contexts} --activations {params.states} --untrained {params.untrained}"
            " --sources {params.sources} --evidence {input.evidence} --card {input.card} {params.numbers}"
            " --draws {params.draws} --resamples {params.resamples} --seed {params.seed} --output {output} > {log} 2>&1"
