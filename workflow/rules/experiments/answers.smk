"""What the models answer beside what probes read, and what the experiments on manipulation share."""

ANSWER_RUNS = STUDY.asked_runs("answers")

add_experiment(
    "answers",
    collected={"answers": [f"results/tables/answers/{model}/{context}.parquet" for model, context in ANSWER_RUNS]},
    skipped=STUDY.not_asked("answers"),
    figures={"answers": ("plot_answers", ["answers"], f"--candidates {CANDIDATES}", "21. Answers")},
    group="manipulation",
)


def asking(wildcards):
    """The options that name the model that is asked."""
    model = base_model(wildcards)
    batch = model.entry.get("batch_tokens", config["activations"]["batch_tokens"])
    return (
        f"--source {shlex.quote(model.source)} --batch-tokens {batch}"
        f" --device {shlex.quote(model.device)} --dtype {model.entry.get('dtype', 'float32')}"
    )


def intervention(experiment):
    """The options of a rule that changes states over a grid of layers and strengths, as a function of the wildcards."""
    entry = STUDY.experiment(experiment)

    def options(wildcards):
        return (
            f"{asking(wildcards)} --layers {' '.join(STUDY.changed_layers(experiment, wildcards.model))}"
            f" --strengths {' '.join(map(str, entry['strengths']))} --per-operation {entry['prompts']}"
            f" {RANGE} {SPLIT} --resamples {RESAMPLES}"
        )

    return options


def pattern_probe(model, context):
    """The probe whose columns the patterns of a context are fitted on.

    Where numbers are read at their own token that is the universal probe, if the study has it.
    """
    universal = STUDY.experiment("universal_probe") and context in STUDY.own_token_contexts(model)
    return f"results/probes/{model}/{'universal' if universal else context}/fourier.safetensors"


def fourier_files(model, context):
    """The file of the probe `fourier` of a run, and that of its control `shuffled` where the study has it."""
    controls = [control for control in STUDY.probe_controls(model) if control == "shuffled"]
    return [
        f"results/probes/{model}/{context}/fourier{ending}.safetensors" for ending in ("", *(f".{c}" for c in controls))
    ]


rule answer_prompts:
    """A model's answers to the arithmetic prompts of a context."""
    input:
        model=lambda wildcards: base_model(wildcards).files,
        prompts="results/prompts/{context}.parquet",
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
