"""Where right answers get lost: reading truth and answer layer by layer, and the layers that break or correct."""

TRACED_RUNS = STUDY.asked_runs("error_tracing")

add_experiment(
    "error_tracing",
    collected={
        "error_tracing": [f"results/tables/error_tracing/{model}/{context}.parquet" for model, context in TRACED_RUNS]
    },
    skipped=STUDY.not_asked("error_tracing"),
    figures={
        "error_tracing": ("plot_error_tracing", ["error_tracing"], "--what fates", "Error tracing"),
        "broken_answers": ("plot_error_tracing", ["error_tracing"], "--what layers", "Error tracing"),
    },
    group="manipulation",
)


rule fit_answer_probe:
    """A probe of what the model answers, right or wrong, on the same states."""
    input:
        states=states_of,
        answers="results/answers/{model}/{context}.parquet",
    output:
        "results/probes/{model}/{context}/fourier.answers.safetensors",
    log:
        "results/logs/fit_answer_probe/{model}/{context}.log",
    benchmark:
        "results/benchmarks/fit_answer_probe/{model}/{context}.tsv"
    conda:
        "../../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=digest("fit_answer_probe"),
        states=states_folder,
        split=f"{RANGE} {SPLIT}",
    shell:
        'python "$NUMPROBE"/fit_answer_probe.py --code {params.code} --activations {params.states}'
        " --answers {input.answers} --probe fourier {params.split} --output {output} > {log} 2>&1"


rule trace_errors:
    """Wrong answers, traced to the layers that lose them."""
    input:
        states=states_of,
        answers="results/answers/{model}/{context}.parquet",
        probe="results/probes/{model}/{context}/fourier.safetensors",
        answer_probe="results/probes/{model}/{context}/fourier.answers.safetensors",
    output:
        "results/tables/error_tracing/{model}/{context}.parquet",
    log:
        "results/logs/trace_errors/{model}/{context}.log",
    benchmark:
        "results/benchmarks/trace_errors/{model}/{context}.tsv"
    conda:
        "../../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=digest("trace_errors"),
        states=states_folder,
        permutations=(STUDY.experiment("error_tracing") or {}).get("permutations"),
        resamples=RESAMPLES,
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/trace_errors.py --code {params.code} --model {wildcards.model} --context {wildcards.context}'
        " --activations {params.states} --answers {input.answers} --probe {input.probe}"
        " --answer-probe {input.answer_probe} --permutations {params.permutations} --resamples {params.resamples}"
        " --seed {params.seed} --output {output} > {log} 2>&1"
