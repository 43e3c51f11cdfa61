"""Evaluations: tidy tables of measurements, first per model and context, then joined."""

RESAMPLES = config["intervals"]["resamples"]

# The summary shows the accuracies and what experiments declare for it.
SUMMARISED = [table for declared in STUDY.declared.values() for table in declared.summary]
# Probes of the table of accuracies that have a figure of their own, because a panel holds seven series.
MEASURED = {Path(file).name.split(".")[0] for run in STUDY.all_runs("accuracy") for file in STUDY.accuracy_files(*run)}
OTHER_PROBES = MEASURED - {LEADING, *SIDE_BY_SIDE}

add_experiment(
    "accuracy",
    collected={
        "accuracy": [
            f"results/tables/accuracy/{model}/{context}.parquet" for model, context in STUDY.all_runs("accuracy")
        ],
        "chosen_layers": [
            f"results/tables/chosen_layers/{model}.parquet"
            for model in STUDY.models_of("accuracy")
            if STUDY.contexts_of(model)
        ],
    },
    skipped=STUDY.not_applicable("accuracy"),
    figures={
        "summary": ("draw.summary", ["accuracy", *SUMMARISED], {}, "Summary"),
        "overview": ("draw.overview", ["accuracy"], {"candidates": CANDIDATES}, "Summary"),
        "accuracy": ("draw.accuracy", ["accuracy"], {"candidates": CANDIDATES}, "Accuracy per layer"),
        **(
            {"other_probes": ("draw.accuracy", ["accuracy"], {"candidates": CANDIDATES}, "Accuracy per layer")}
            if OTHER_PROBES
            else {}
        ),
        "controls": ("draw.accuracy", ["accuracy"], {"candidates": CANDIDATES}, "Controls"),
        "digit_accuracy": ("draw.digit_accuracy", ["accuracy"], {}, "Accuracy per layer"),
    },
)
add_experiment(
    "transfer",
    collected={"transfer": [f"results/tables/transfer/{run}.parquet" for run in transferred_runs()]},
    skipped=STUDY.not_applicable("transfer", STUDY.contexts),
    figures={"transfer": ("draw.transfer", ["transfer"], {}, "Transfer between contexts")},
)
add_experiment(
    "spectra",
    collected={
        "spectra": [f"results/tables/spectra/{name}.parquet" for name in STUDY.models_of("spectra", VOCABULARY)]
    },
    skipped=STUDY.not_applicable("spectra", [VOCABULARY]),
    figures={"spectra": ("draw.spectra", ["spectra"], {}, "Spectra of the embeddings")},
)
add_experiment(
    "examples",
    files=["results/tables/examples.parquet"],
    figures={"examples": ("draw.examples", ["examples"], {}, "Decoded numbers")},
)


rule evaluate_probes:
    """Evaluate every probe and control on numbers that it has not seen."""
    input:
        states=states_of,
        probes=lambda wildcards: STUDY.accuracy_files(wildcards.model, wildcards.context),
        card=lambda wildcards: f"results/cards/{base_model(wildcards).name}.json",
    output:
        table="results/tables/accuracy/{model}/{context}.parquet",
        predictions="results/predictions/{model}/{context}.parquet",
    log:
        "results/logs/evaluate_probes/{model}/{context}.log",
    benchmark:
        "results/benchmarks/evaluate_probes/{model}/{context}.tsv"
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        digest=digest("evaluate_probes"),
        states=states_folder,
        control=control_options,
        resamples=RESAMPLES,
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/evaluate_probes.py --digest {params.digest} --activations {params.states}'
        " --probes {input.probes} --card {input.card} {params.control}"
        " --resamples {params.resamples} --seed {params.seed} --predictions {output.predictions}"
        " --output {output.table} > {log} 2>&1"


# Probes that are compared in contexts other than that of their fit.
CHOSEN_AND_TRANSFERRED = [
    probe
    for probe in dict.fromkeys([(STUDY.experiment("transfer") or {}).get("probe"), *SIDE_BY_SIDE])
    if STUDY.experiment("transfer") and probe in STUDY.closed_form
]


rule evaluate_chosen_layers:
    """Evaluate each probe at the layer chosen on inner values, with the model's controls."""
    input:
        states=lambda wildcards: [file for run in prompt_runs(wildcards) for file in STUDY.states(*run)],
        probes=lambda wildcards: [
            f"results/probes/{model}/{context}/{probe}.safetensors"
            for model, context in prompt_runs(wildcards)
            for probe in STUDY.closed_form
        ],
        predictions=lambda wildcards: [
            f"results/predictions/{model}/{context}.parquet" for model, context in prompt_runs(wildcards)
        ],
    output:
        "results/tables/chosen_layers/{model}.parquet",
    log:
        "results/logs/evaluate_chosen_layers/{model}.log",
    benchmark:
        "results/benchmarks/evaluate_chosen_layers/{model}.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, STUDY.models)),
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        digest=digest("evaluate_chosen_layers"),
        folders=lambda wildcards: [
            moved(f"results/activations/{model}/{context}") for model, context in prompt_runs(wildcards)
        ],
        controls=lambda wildcards: [Run.parse(model).control for model, _ in prompt_runs(wildcards)],
        probes=lambda wildcards: [
            moved(f"results/probes/{model}/{context}") for model, context in prompt_runs(wildcards)
        ],
        kinds=STUDY.closed_form,
        transferred=CHOSEN_AND_TRANSFERRED,
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/evaluate_chosen_layers.py --digest {params.digest} --model {wildcards.model}'
        " --activations {params.folders} --controls {params.controls} --predictions {input.predictions}"
        " --probes {params.probes} --kinds {params.kinds}"
        " --transferred {params.transferred} --seed {params.seed} --output {output} > {log} 2>&1"


if STUDY.experiment("transfer"):

    TRANSFERRED = STUDY.experiment("transfer")["probe"]

    rule evaluate_transfer:
        """Evaluate probes fitted in one context on the others."""
        input:
            states=lambda wildcards: [
                file for context in prompt_contexts(wildcards) for file in STUDY.states(wildcards.model, context)
            ],
            probes=lambda wildcards: expand(
                "results/probes/{model}/{context}/{probe}.safetensors",
                model=wildcards.model,
                context=prompt_contexts(wildcards),
                probe=TRANSFERRED,
            ),
        output:
            "results/tables/transfer/{model}.parquet",
        log:
            "results/logs/evaluate_transfer/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_transfer/{model}.tsv"
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            digest=digest("evaluate_transfer"),
            control=control_options,
            contexts=prompt_contexts,
            states=lambda wildcards: expand(
                moved("results/activations/{model}/{context}"),
                model=wildcards.model,
                context=prompt_contexts(wildcards),
            ),
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_transfer.py --digest {params.digest} {params.control}'
            " --contexts {params.contexts} --activations {params.states} --probes {input.probes}"
            " --resamples {params.resamples} --seed {params.seed} --output {output} > {log} 2>&1"


rule evaluate_spectra:
    """Compute Fourier spectra of the number embeddings, and the separability of n mod T."""
    input:
        states=lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
        card="results/cards/{model}.json",
    output:
        "results/tables/spectra/{model}.parquet",
    log:
        "results/logs/evaluate_spectra/{model}.log",
    benchmark:
        "results/benchmarks/evaluate_spectra/{model}.tsv"
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        digest=digest("evaluate_spectra"),
        states=states_folder,
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/evaluate_spectra.py --digest {params.digest} --model {wildcards.model}'
        " --activations {params.states} --card {input.card} --seed {params.seed} --output {output} > {log} 2>&1"


rule sample_examples:
    """Sample decoded numbers in their texts."""
    input:
        predictions=lambda wildcards: [
            f"results/predictions/{model}/{context}.parquet" for model, context in plain_runs("examples")
        ],
        prompts=lambda wildcards: [STUDY.prompts(*run) for run in plain_runs("examples")],
    output:
        parquet="results/tables/examples.parquet",
        csv="results/tables/examples.csv",
    log:
        "results/logs/sample_examples.log",
    benchmark:
        "results/benchmarks/sample_examples.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        digest=digest("sample_examples"),
        skipped=not_applicable_options(STUDY.not_applicable("examples", STUDY.contexts)),
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/sample_examples.py --digest {params.digest} --predictions {input.predictions}'
        " --prompts {input.prompts} {params.skipped} --seed {params.seed} --output {output.parquet} > {log} 2>&1"
