"""Numbers of several tokens: chunk by chunk and whole; tokens before the present one by a probe and by a tuned lens."""

from numprobe.layers import middle_layer

MULTI_TOKEN = STUDY.experiment("multi_token")

if MULTI_TOKEN:

    # Embeddings alone hold no number of several tokens.
    SEVERAL = [
        name
        for name in STUDY.models_of("multi_token")
        if name in MULTI_TOKEN.get("models", STUDY.models) and not STUDY.models[name].embeddings_only
    ]
    CAUSAL = [name for name in SEVERAL if not STUDY.models[name].facts.encoder]
    ENCODERS = [name for name in SEVERAL if name not in CAUSAL]
    LEFT_OUT = [name for name in STUDY.models_of("multi_token") if name not in SEVERAL]
    NOT_CHOSEN = "not among the models of this experiment"

    TABLES = {"multi_token": SEVERAL, "preceding": CAUSAL}
    add_experiment(
        "multi_token",
        collected={
            **{
                table: expand(f"results/tables/{table}/{{model}}.parquet", model=with_untrained(models))
                for table, models in TABLES.items()
                if models
            },
            "superposition": ["results/tables/superposition/planted.parquet"],
        },
        figures={
            figure: (program, [table], "", "Numbers of several tokens")
            for figure, program, table in (
                ("multi_token", "plot_multi_token", "multi_token"),
                ("preceding_tokens", "plot_preceding_tokens", "preceding"),
                ("superposition", "plot_superposition", "superposition"),
            )
            if TABLES.get(table, True)
        },
    )
    for table in filter(TABLES.get, TABLES):
        COLLECTED[table][1].extend(f"{name}:{table}:{NOT_CHOSEN}" for name in LEFT_OUT)
    if CAUSAL:
        COLLECTED["preceding"][1].extend(f"{name}:preceding:encoder" for name in ENCODERS)

    rule make_numerals:
        """Prompts with numbers of one token and of several."""
        output:
            "results/prompts/multi_token/numerals.parquet",
        log:
            "results/logs/make_numerals.log",
        benchmark:
            "results/benchmarks/make_numerals.tsv"
        conda:
            "../../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=digest("make_numerals"),
            formats=" ".join(MULTI_TOKEN["formats"]),
            groups=MULTI_TOKEN["tokens"],
            rows=MULTI_TOKEN["rows"],
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/make_numerals.py --code {params.code} --formats {params.formats}'
            " --groups {params.groups} --rows {params.rows} --seed {params.seed} --output {output} > {log} 2>&1"

    for entry in (STUDY.models[name] for name in SEVERAL):

        rule:
            name:
                f"extract_chunks_{entry.name}"
            input:
                model=entry.files,
                prompts="results/prompts/multi_token/numerals.parquet",
                card=ancient(f"results/cards/{entry.name}.json"),
            output:
                kept(
                    [
                        f"results/activations/{{model}}/multi_token/{file}"
                        for file in [
                            *(f"residual-{layer}.parquet" for layer in entry.layers),
                            "positions.parquet",
                            "manifest.json",
                        ]
                    ]
                ),
            log:
                "results/logs/extract_chunks/{model}.log",
            benchmark:
                "results/benchmarks/extract_chunks/{model}.tsv"
            wildcard_constraints:
                model=re.escape(entry.name) + UNTRAINED_ENDING,
            conda:
                "../../envs/numprobe.yaml"
            threads: extraction_threads(entry)
            resources:
                mem_mb=memory(4000),
                runtime=minutes(240),
                gpu=gpus,
            params:
                code=digest("extract_chunks"),
                folder=subpath(output[0], parent=True),
                source=entry.source,
                layers=" ".join(entry.layers),
                expected=entry.facts.layers,
                untrained=untrained_option,
                storage=config["activations"]["dtype"],
                batch=entry.entry.get("batch_tokens", config["activations"]["batch_tokens"]),
                share=config["activations"]["share_prefixes"],
                device=entry.device,
                dtype=entry.entry.get("dtype", "float32"),
            shell:
                'python "$NUMPROBE"/extract_chunks.py --code {params.code} --model {wildcards.model}'
                " --source {params.source:q} --prompts {input.prompts} --output {params.folder}"
                " --layers {params.layers} --expected-layers {params.expected} {params.untrained}"
                " --storage-dtype {params.storage} --batch-tokens {params.batch} --share-prefixes {params.share}"
                " --card {input.card} --device {params.device:q} --dtype {params.dtype} 2>&1 | tee {log}"

    rule evaluate_chunks:
        """Every token of a number, and the whole number, on values that no probe has seen."""
        input:
            lambda wildcards: [
                f"results/activations/{wildcards.model}/multi_token/{file}"
                for file in [
                    *(f"residual-{layer}.parquet" for layer in base_model(wildcards).layers),
                    "positions.parquet",
                    "manifest.json",
                ]
            ],
        output:
            "results/tables/multi_token/{model}.parquet",
        log:
            "results/logs/evaluate_chunks/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_chunks/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_chunks"),
            states=states_folder,
            model=lambda wildcards: base_model(wildcards).name,
            control=lambda wildcards: control_of(wildcards.model),
            controls=lambda wildcards: " ".join(STUDY.probe_controls(wildcards.model)),
            tokens=MULTI_TOKEN["tokens"],
            folds=f"--folds {MULTI_TOKEN['folds']} --inner {config['split']['inner']}",
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_chunks.py --code {params.code} --activations {params.states}'
            " --model {params.model} --control {params.control} --controls {params.controls}"
            " --tokens {params.tokens} {params.folds} --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"

    rule evaluate_preceding:
        """Tokens before the present one, by probes and by a tuned lens on the same data."""
        input:
            lambda wildcards: base_model(wildcards).files,
        output:
            "results/tables/preceding/{model}.parquet",
        log:
            "results/logs/evaluate_preceding/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_preceding/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            code=digest("evaluate_preceding"),
            model=lambda wildcards: base_model(wildcards).name,
            source=lambda wildcards: base_model(wildcards).source,
            untrained=untrained_option,
            layers=preceding_layers,
            offsets=f"--offsets {MULTI_TOKEN['offsets']} --rows {MULTI_TOKEN['sequences']}",
            folds=f"--folds {MULTI_TOKEN['folds']} --inner {config['split']['inner']}",
            controls=lambda wildcards: " ".join(STUDY.probe_controls(wildcards.model)),
            steps=MULTI_TOKEN["lens_steps"],
            numbers=RANGE,
            resamples=RESAMPLES,
            seed=config["seed"],
            batch=lambda wildcards: base_model(wildcards).entry.get(
                "batch_tokens", config["activations"]["batch_tokens"]
            ),
            device=lambda wildcards: base_model(wildcards).device,
            dtype=lambda wildcards: base_model(wildcards).entry.get("dtype", "float32"),
        shell:
            'python "$NUMPROBE"/evaluate_preceding.py --code {params.code} --model {params.model}'
            " --source {params.source:q} {params.untrained} --layers {params.layers} {params.offsets} {params.folds}"
            " --controls {params.controls} --lens-steps {params.steps} {params.numbers}"
            " --resamples {params.resamples} --seed {params.seed} --batch-tokens {params.batch}"
            " --device {params.device:q} --dtype {params.dtype} --output {output} > {log} 2>&1"

    rule evaluate_superposition:
        """Several numbers planted in one vector, and read back."""
        output:
            "results/tables/superposition/planted.parquet",
        log:
            "results/logs/evaluate_superposition.log",
        benchmark:
            "results/benchmarks/evaluate_superposition.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=digest("evaluate_superposition"),
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_superposition.py --code {params.code} --resamples {params.resamples}'
            " --seed {params.seed} --output {output} > {log} 2>&1"
