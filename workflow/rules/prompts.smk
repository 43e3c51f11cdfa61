"""Prompts: one table per context."""


rule make_prompts:
    """Texts with numbers in them, and where each number stands."""
    input:
        lambda wildcards: STUDY.contexts[wildcards.context].get("corpus", []),
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
        code=digest("make_prompts"),
        options=prompt_options,
        seed=lambda wildcards: STUDY.context_seed(wildcards.context),
        numbers=RANGE,
    shell:
        'python "$NUMPROBE"/make_prompts.py --code {params.code} --context {wildcards.context} --output {output}'
        " {params.options} --seed {params.seed} {params.numbers} > {log} 2>&1"
