"""Which waves do embeddings and hidden states hold, and do models share them?"""

add_experiment(
    "frequencies",
    collected={
        "frequencies": [
            f"results/tables/frequencies/{name}.parquet"
            for name in STUDY.models_of("frequencies")
            if any((name, context) in STUDY.runs() for context in (VOCABULARY, BARE))
        ],
        "shared_frequencies": ["results/tables/shared_frequencies/all.parquet"] if bare_runs("frequencies") else [],
    },
    skipped=STUDY.not_applicable("frequencies", [VOCABULARY]),
    figures={
        "frequencies": ("plot_frequencies", ["frequencies"], "", "Waves layer by layer"),
        "shared_frequencies": (
            "plot_shared_frequencies",
            ["shared_frequencies"],
            "",
            "Waves layer by layer",
        ),
    },
)


if STUDY.experiment("frequencies"):

    PLAIN_BARE_RUNS = [run for run in bare_runs("frequencies") if control_of(run[0]) == "none"]
    WAVE_EMBEDDED = STUDY.models_of("frequencies", VOCABULARY)

    rule evaluate_frequencies:
        """Spectra, sparsity and separability of n mod T of one model, layer by layer."""
        input:
            states=lambda wildcards: [file for run in own_runs(wildcards) for file in STUDY.states(*run)],
            card="results/cards/{model}.json",
            matched=lambda wildcards: (
                [*matched_states(wildcards.model), "results/matched/tokens.parquet"]
                if wildcards.model in EMBEDDED
                else []
            ),
        output:
            "results/tables/frequencies/{model}.parquet",
        log:
            "results/logs/evaluate_frequencies/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_frequencies/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_frequencies"),
            folders=lambda wildcards: manifests(own_runs(wildcards)),
            matched=matched_options,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_frequencies.py --code {params.code} --model {wildcards.model}'
            " --activations {params.folders} --card {input.card} {params.matched} --seed {params.seed}"
            " --output {output} > {log} 2>&1"

    rule evaluate_shared_frequencies:
        """Overlap of the strongest frequencies of all pairs of models."""
        input:
            states=[file for run in PLAIN_BARE_RUNS for file in STUDY.states(*run)],
            cards=expand("results/cards/{model}.json", model=STUDY.models_of("frequencies")),
            matched=[file for model in WAVE_EMBEDDED for file in matched_states(model)],
            tokens="results/matched/tokens.parquet" if WAVE_EMBEDDED else [],
        output:
            "results/tables/shared_frequencies/all.parquet",
        log:
            "results/logs/evaluate_shared_frequencies.log",
        benchmark:
            "results/benchmarks/evaluate_shared_frequencies.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            code=digest("evaluate_shared_frequencies"),
            folders=manifests(PLAIN_BARE_RUNS),
            matched=matched_folders(WAVE_EMBEDDED),
            top=STUDY.experiment("frequencies")["top"],
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_shared_frequencies.py --code {params.code} --activations {params.folders}'
            " --cards {input.cards} {params.matched} --top {params.top}"
            " --seed {params.seed} --output {output} > {log} 2>&1"
