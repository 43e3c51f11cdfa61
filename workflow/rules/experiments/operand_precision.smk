"""Do models err more on operands that are read badly?"""

PRECISION = STUDY.experiment("operand_precision")

if PRECISION:

    ASKED_FOR_PRECISION = list(dict.fromkeys(model for model, _ in STUDY.asked_runs("operand_precision")))
    PRECISION_MODELS = [model for model in ASKED_FOR_PRECISION if model in EMBEDDED]

    add_experiment(
        "operand_precision",
        group="manipulation",
        collected={
            "operand_precision": [f"results/tables/operand_precision/{model}.parquet" for model in PRECISION_MODELS]
        },
        skipped=[
            *STUDY.not_asked("operand_precision"),
            *(f"{model}:{VOCABULARY}:{no_rows(model)}" for model in ASKED_FOR_PRECISION if model not in EMBEDDED),
        ],
        figures={
            "operand_precision": ("plot_operand_precision", ["operand_precision"], "", "Operand precision"),
        },
    )

    rule make_pairs:
        """Sums and differences in which all numbers meet the same partners."""
        output:
            "results/prompts/operand_precision/pairs.parquet",
        log:
            "results/logs/make_pairs.log",
        benchmark:
            "results/benchmarks/make_pairs.tsv"
        conda:
            "../../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=digest("make_pairs"),
            pairs=f"{RANGE} --per-value {PRECISION['per_value']} --seed {config['seed']}",
        shell:
            'python "$NUMPROBE"/make_pairs.py --code {params.code} {params.pairs} --output {output} > {log} 2>&1'

    use rule answer_prompts as answer_pairs with:
        input:
            model=lambda wildcards: base_model(wildcards).files,
            prompts=rules.make_pairs.output,
        output:
            "results/operand_precision/{model}.parquet",
        log:
            "results/logs/answer_pairs/{model}.log",
        benchmark:
            "results/benchmarks/answer_pairs/{model}.tsv"

    rule evaluate_operand_precision:
        """Error rates by how well the operands are read."""
        input:
            answers="results/operand_precision/{model}.parquet",
            vocabulary=lambda wildcards: STUDY.states(wildcards.model, VOCABULARY),
            probes=precision_probes,
            states=lambda wildcards: [
                file for context in operand_contexts(wildcards) for file in STUDY.states(wildcards.model, context)
            ],
            readers=lambda wildcards: expand(
                "results/probes/{model}/{context}/fourier.safetensors",
                model=wildcards.model,
                context=operand_contexts(wildcards),
            ),
        output:
            "results/tables/operand_precision/{model}.parquet",
        log:
            "results/logs/evaluate_operand_precision/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_operand_precision/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_operand_precision"),
            folders=lambda wildcards: " ".join(
                f"results/activations/{wildcards.model}/{context}"
                for context in (VOCABULARY, *operand_contexts(wildcards))
            ),
            pairs=f"{RANGE} --per-value {PRECISION['per_value']} --seed {config['seed']}",
            permutations=PRECISION["permutations"],
            resamples=RESAMPLES,
        shell:
            'python "$NUMPROBE"/evaluate_operand_precision.py --code {params.code} --model {wildcards.model}'
            " --answers {input.answers} --activations {params.folders} --probes {input.probes}"
            " --readers {input.readers} {params.pairs} --permutations {params.permutations}"
            " --resamples {params.resamples} --output {output} > {log} 2>&1"
