"""Shared by the experiments on manipulation: the answers of models, and the expected states of numbers."""

from numprobe.experiments.inputs import pattern_probe


rule answer_prompts:
    """Answer the arithmetic prompts of a context with a model."""
    input:
        model=lambda wildcards: base_model(wildcards).files,
        prompts=prompts_of,
    output:
        "results/answers/{model}/{context}.parquet",
    log:
        "results/logs/answer_prompts/{model}/{context}.log",
    benchmark:
        "results/benchmarks/answer_prompts/{model}/{context}.tsv"
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
        gpu=gpus,
    params:
        digest=digest("answer_prompts"),
        asking=asking,
    shell:
        'python "$NUMPROBE"/answer_prompts.py --digest {params.digest} {params.asking} --prompts {input.prompts}'
        " --output {output} > {log} 2>&1"


rule fit_patterns:
    """Fit the expected state of each number in a context: the forward model, along which states are changed."""
    input:
        states=states_of,
        probe=lambda wildcards: pattern_probe(STUDY, wildcards.model, wildcards.context),
        split=SPLIT,
    output:
        patterns="results/patterns/{model}/{context}.safetensors",
        table="results/tables/patterns/{model}/{context}.parquet",
    log:
        "results/logs/fit_patterns/{model}/{context}.log",
    benchmark:
        "results/benchmarks/fit_patterns/{model}/{context}.tsv"
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        digest=digest("fit_patterns"),
        states=states_folder,
        resamples=RESAMPLES,
    shell:
        'python "$NUMPROBE"/fit_patterns.py --digest {params.digest} --activations {params.states} --probe {input.probe}'
        " --split {input.split} --resamples {params.resamples} --output {output.patterns} --table {output.table}"
        " > {log} 2>&1"
