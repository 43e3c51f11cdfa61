"""Prompts: one table per context."""


rule make_prompts:
    """Make texts with numbers in them, and record the place of each number."""
    input:
        corpus_of,
    output:
        "results/prompts/{context}.parquet",
    log:
        "results/logs/make_prompts/{context}.log",
    benchmark:
        "results/benchmarks/make_prompts/{context}.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        digest=digest("make_prompts"),
        options=prompt_options,
        seed=lambda wildcards: STUDY.context_seed(wildcards.context),
        numbers=RANGE,
    shell:
        'python "$NUMPROBE"/make_prompts.py --digest {params.digest} --context {wildcards.context} --output {output}'
        " {params.options} --seed {params.seed} {params.numbers} > {log} 2>&1"


use rule make_prompts as make_sized_prompts with:
    output:
        "results/prompts/{context}/{size}.parquet",
    log:
        "results/logs/make_prompts/{context}/{size}.log",
    benchmark:
        "results/benchmarks/make_prompts/{context}/{size}.tsv"
    wildcard_constraints:
        size=r"\d+",


if any("datasets" in entry for entry in STUDY.contexts.values()):

    rule draw_texts:
        """Draw texts from hub datasets and from files; only this rule and those of models need a network."""
        input:
            lambda wildcards: [
                source["path"] for source in STUDY.contexts[wildcards.context]["datasets"] if "path" in source
            ],
        output:
            "results/corpora/{context}.parquet",
        log:
            "results/logs/draw_texts/{context}.log",
        benchmark:
            "results/benchmarks/draw_texts/{context}.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=8000,
            runtime=120,
        params:
            digest=digest("draw_texts"),
            sources=lambda wildcards: json.dumps(STUDY.contexts[wildcards.context]["datasets"]),
            texts=lambda wildcards: STUDY.contexts[wildcards.context]["texts"],
            seed=lambda wildcards: STUDY.context_seed(wildcards.context),
        shell:
            'python "$NUMPROBE"/draw_texts.py --digest {params.digest} --context {wildcards.context}'
            " --sources {params.sources:q} --texts {params.texts} --seed {params.seed} --output {output} > {log} 2>&1"
