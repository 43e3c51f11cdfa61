"""Tokens that are no numbers, with which geometries of numbers are compared"""

from numprobe.experiments.inputs import matched_states

EMBEDDED = STUDY.models_of(context=VOCABULARY)


rule choose_matched_tokens:
    """Choose the tokens on which models are compared: words that both keep single, near the numbers' ids."""
    input:
        [file for model in EMBEDDED for file in STUDY.models[model].files],
    output:
        "results/matched/tokens.parquet",
    log:
        "results/logs/choose_matched_tokens.log",
    benchmark:
        "results/benchmarks/choose_matched_tokens.tsv"
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        digest=digest("choose_matched_tokens"),
        sources=json.dumps({model: json.loads(STUDY.models[model].source) for model in EMBEDDED}),
        numbers=RANGE,
    shell:
        'python "$NUMPROBE"/choose_matched_tokens.py --digest {params.digest} --sources {params.sources:q}'
        " {params.numbers} --output {output} > {log} 2>&1"


for name in EMBEDDED:

    rule:
        name:
            f"extract_matched_{name}"
        input:
            model=STUDY.models[name].files,
            tokens="results/matched/tokens.parquet",
        output:
            kept(matched_states(STUDY, name)),
        log:
            f"results/logs/extract_matched/{name}.log",
        benchmark:
            f"results/benchmarks/extract_matched/{name}.tsv"
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(3000),
            runtime=minutes(60),
        params:
            digest=digest("extract_matched"),
            model=name,
            source=STUDY.models[name].source,
            storage=config["activations"]["dtype"],
            folder=subpath(output[0], parent=True),
        shell:
            'python "$NUMPROBE"/extract_matched.py --digest {params.digest} --model {params.model}'
            " --source {params.source:q} --tokens {input.tokens} --output {params.folder}"
            " --storage-dtype {params.storage} > {log} 2>&1"
