"""Every probe on the input and output embeddings, in folds of its own, and the numbers that are misread."""

EMBEDDED = STUDY.models_of("embedding_probes", VOCABULARY)
# The table of misread numbers has no rows for models without probes.
MISREAD = {"non_decodable": [f"results/tables/non_decodable/{model}.parquet" for model in EMBEDDED]} if EMBEDDED else {}

add_experiment(
    "embedding_probes",
    collected={
        "embedding_probes": [
            f"results/tables/embedding_probes/{model}.parquet"
            for model, context in STUDY.runs("embedding_probes")
            if context == VOCABULARY
        ],
        **MISREAD,
    },
    skipped={"embedding_probes": STUDY.not_applicable("embedding_probes", [VOCABULARY])},
    figures={
        "embedding_probes": (
            "plot_embedding_probes",
            ["embedding_probes", *MISREAD],
            f"--candidates {CANDIDATES} {RANGE}",
            "Embedding probes",
        )
    },
)
if STUDY.experiment("embedding_probes"):

    EMBEDDING = STUDY.experiment("embedding_probes")
    EMBEDDING_PROBES = f"results/probes/{{model}}/{VOCABULARY}/embedding_probes"
    EMBEDDING_SPLIT = "{} --scheme folds --folds {} --inner {} --seed {}".format(
        RANGE, EMBEDDING["folds"], config["split"]["inner"], config["seed"]
    )
    EMBEDDING_FITS = iterative_fits(EMBEDDING, ["sinusoidal"], PUBLISHED_FOR_EMBEDDINGS)

    for fit in closed_form_fits():

        rule:
            name:
                fit.rule_name("embedding_probes")
            input:
                lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
            output:
                expand(
                    f"{EMBEDDING_PROBES}/{{probe}}{{ending}}.safetensors",
                    probe=STUDY.closed_form,
                    ending=fit.endings,
                    allow_missing=True,
                ),
            log:
                "results/logs/fit_embedding_probes/{model}.log",
            benchmark:
                "results/benchmarks/fit_embedding_probes/{model}.tsv"
            wildcard_constraints:
                model=fit.pattern,
            conda:
                "../../envs/numprobe.yaml"
            threads: 1
            resources:
                mem_mb=memory(4000),
                runtime=minutes(60),
                gpu=FITTING_GPUS,
            params:
                code=digest("fit_probes"),
                states=states_folder,
                folder=subpath(output[0], parent=True),
                probes=" ".join(STUDY.closed_form),
                controls=" ".join(fit.controls),
                device=config["fitting"]["device"],
                split=EMBEDDING_SPLIT,
            shell:
                'python "$NUMPROBE"/fit_probes.py --code {params.code} --activations {params.states}'
                " --output {params.folder} --probes {params.probes} --controls {params.controls}"
                " --device {params.device} {params.split} > {log} 2>&1"

    for fit in EMBEDDING_FITS:

        rule:
            name:
                f"fit_{fit.name}_embedding_probes"
            input:
                lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
            output:
                [f"{EMBEDDING_PROBES}/{file}.safetensors" for file in fit.files],
            log:
                f"results/logs/fit_{fit.name}_embedding_probes/{{model}}.log",
            benchmark:
                f"results/benchmarks/fit_{fit.name}_embedding_probes/{{model}}.tsv"
            wildcard_constraints:
                model="|".join(map(re.escape, STUDY.models)),
            conda:
                "../../envs/numprobe.yaml"
            threads: 1
            resources:
                mem_mb=lambda wildcards, attempt: 4000 * 4 ** (attempt - 1),
                runtime=minutes(600),
            params:
                code=digest("fit_iterative_probes"),
                states=states_folder,
                folder=subpath(output[0], parent=True),
                options=fit.options,
                folds=EMBEDDING["iterative_folds"],
                split=EMBEDDING_SPLIT,
            shell:
                'python "$NUMPROBE"/fit_iterative_probes.py --code {params.code} --activations {params.states}'
                " --output {params.folder} {params.options} --fold-limit {params.folds} {params.split} > {log} 2>&1"

    rule evaluate_embedding_probes:
        """Every number read by the probe that was fitted without it."""
        input:
            states=lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
            probes=embedding_probe_files,
            card="results/cards/{model}.json",
        output:
            table="results/tables/embedding_probes/{model}.parquet",
            non_decodable="results/tables/non_decodable/{model}.parquet",
        log:
            "results/logs/evaluate_embedding_probes/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_embedding_probes/{model}.tsv"
        wildcard_constraints:
            model="|".join(map(re.escape, STUDY.models)),
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            code=digest("evaluate_embedding_probes"),
            states=states_folder,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_embedding_probes.py --code {params.code} --activations {params.states}'
            " --probes {input.probes} --card {input.card} --model {wildcards.model} --resamples {params.resamples}"
            " --seed {params.seed} --non-decodable {output.non_decodable} --output {output.table} > {log} 2>&1"

    rule evaluate_untrained_embedding_probes:
        """The same of random weights."""
        input:
            states=lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
            probes=embedding_probe_files,
            card=lambda wildcards: f"results/cards/{base_model(wildcards).name}.json",
        output:
            "results/tables/embedding_probes/{model}.parquet",
        log:
            "results/logs/evaluate_embedding_probes/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_embedding_probes/{model}.tsv"
        wildcard_constraints:
            model="|".join(re.escape(name + UNTRAINED) for name in STUDY.models),
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
        params:
            code=digest("evaluate_embedding_probes"),
            states=states_folder,
            model=lambda wildcards: base_model(wildcards).name,
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_embedding_probes.py --code {params.code} --activations {params.states}'
            " --probes {input.probes} --card {input.card} --model {params.model} --control untrained"
            " --resamples {params.resamples} --seed {params.seed} --output {output} > {log} 2>&1"
