"""Models: train the small ones, convert GGUF files, and describe all models."""

for entry in trained_models():

    rule:
        name:
            f"train_model_{entry.name}"
        output:
            expand(f"results/models/{entry.name}/{{file}}", file=[*MODEL_FILES, "training_log.parquet"]),
            expand(
                f"results/models/{entry.name}/revisions/step-{{step}}/{{file}}",
                step=entry.entry["train"]["checkpoints"],
                file=MODEL_FILES,
            ),
        log:
            f"results/logs/train_model/{entry.name}.log",
        benchmark:
            f"results/benchmarks/train_model/{entry.name}.tsv"
        # Training is the longest path, so it starts first, longest runs before the others.
        priority: entry.entry["train"]["steps"]
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime=60,
        params:
            digest=digest("train_model"),
            model=entry.name,
            folder=subpath(output[0], parent=True),
            specification=json.dumps(entry.entry["train"], sort_keys=True),
            seed=config["seed"],
            numbers=RANGE,
        shell:
            'python "$NUMPROBE"/train_model.py --digest {params.digest} --name {params.model} --output {params.folder}'
            " --spec {params.specification:q} --seed {params.seed} {params.numbers} 2>&1 | tee {log}"


for entry in converted_models():

    rule:
        name:
            f"convert_model_{entry.name}"
        input:
            entry.gguf,
        output:
            expand(f"results/models/{entry.name}/{{file}}", file=CONVERTED_FILES),
        log:
            f"results/logs/convert_model/{entry.name}.log",
        benchmark:
            f"results/benchmarks/convert_model/{entry.name}.tsv"
        # Many jobs wait for a model.
        priority: 500
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=entry.entry.get("resources", {}).get("mem_mb", entry.conversion_mb),
            runtime=60,
        params:
            digest=digest("convert_model"),
            folder=subpath(output[0], parent=True),
            origin=origin_options(entry),
        shell:
            'python "$NUMPROBE"/convert_model.py --digest {params.digest} --file {input:q} --output {params.folder}'
            " {params.origin} > {log} 2>&1"


rule describe_model:
    """Write a model's card (layers, width, sha256 of the weights, numbers), checked against the configuration.

    Only a model of an unlisted type is run, on two prompts, to see whether it can share prefixes.
    """
    input:
        lambda wildcards: base_model(wildcards).files,
    output:
        "results/cards/{model}.json",
    log:
        "results/logs/describe_model/{model}.log",
    benchmark:
        "results/benchmarks/describe_model/{model}.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
        gpu=gpus,
    params:
        digest=digest("describe_model"),
        source=lambda wildcards: base_model(wildcards).source,
        expected=expected_options,
        numbers=RANGE,
        share=config["activations"]["share_prefixes"],
        device=lambda wildcards: base_model(wildcards).device,
        dtype=lambda wildcards: base_model(wildcards).entry.get("dtype", "float32"),
    shell:
        'python "$NUMPROBE"/describe_model.py --digest {params.digest} --name {wildcards.model} --output {output}'
        " --source {params.source:q} {params.expected} {params.numbers} --share-prefixes {params.share}"
        " --device {params.device:q} --dtype {params.dtype} > {log} 2>&1"
