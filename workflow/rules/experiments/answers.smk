"""What the models answer beside what probes read, and what the experiments on manipulation share."""

ANSWER_RUNS = STUDY.asked_runs("answers")

add_experiment(
    "answers",
    collected={"answers": [f"results/tables/answers/{model}/{context}.parquet" for model, context in ANSWER_RUNS]},
    skipped=STUDY.not_asked("answers"),
    figures={"answers": ("plot_answers", ["answers"], f"--candidates {CANDIDATES}", "Answers")},
    group="manipulation",
)


rule answer_prompts:
    """A model's answers to the arithmetic prompts of a context."""
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
        "../../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
        gpu=gpus,
    params:
        code=digest("answer_prompts"),
        asking=asking,
    shell:
        'python "$NUMPROBE"/answer_prompts.py --code {params.code} {params.asking} --prompts {input.prompts}'
        " --output {output} > {log} 2>&1"


rule fit_patterns:
    """Where the states of a context lie for each number: the forward model, along which states are changed."""
    input:
        states=states_of,
        probe=lambda wildcards: pattern_probe(wildcards.model, wildcards.context),
    output:
        patterns="results/patterns/{model}/{context}.safetensors",
        table="results/tables/patterns/{model}/{context}.parquet",
    log:
        "results/logs/fit_patterns/{model}/{context}.log",
    benchmark:
        "results/benchmarks/fit_patterns/{model}/{context}.tsv"
    conda:
        "../../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=digest("fit_patterns"),
        states=states_folder,
        split=f"{RANGE} {SPLIT}",
        resamples=RESAMPLES,
    shell:
        'python "$NUMPROBE"/fit_patterns.py --code {params.code} --activations {params.states} --probe {input.probe}'
        " {params.split} --resamples {params.resamples} --output {output.patterns} --table {output.table}"
        " > {log} 2>&1"


rule evaluate_answers:
    """Truth, the model's answer and the probes side by side."""
    input:
        answers="results/answers/{model}/{context}.parquet",
        predictions="results/predictions/{model}/{context}.parquet",
        states=states_of,
        probes=lambda wildcards: fourier_files(wildcards.model, wildcards.context),
    output:
        "results/tables/answers/{model}/{context}.parquet",
    log:
        "results/logs/evaluate_answers/{model}/{context}.log",
    benchmark:
        "results/benchmarks/evaluate_answers/{model}/{context}.tsv"
    conda:
        "../../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=digest("evaluate_answers"),
        states=states_folder,
        split=f"{RANGE} {SPLIT}",
        resamples=RESAMPLES,
    shell:
        'python "$NUMPROBE"/evaluate_answers.py --code {params.code} --model {wildcards.model}'
        " --context {wildcards.context} --answers {input.answers} --predictions {input.predictions}"
        " --activations {params.states} --probes {input.probes} {params.split} --resamples {params.resamples}"
        " --output {output} > {log} 2>&1"
