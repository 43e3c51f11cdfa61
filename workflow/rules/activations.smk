"""Activations: the hidden states at the probed tokens, all layers of a model in one forward pass.

There is one rule per model, because its layers are its outputs; its untrained controls have the same layers. The mixed
control has one state and needs no forward pass.
"""

from numprobe.experiments.inputs import stored_states

for entry in STUDY.models.values():

    rule:
        name:
            f"extract_activations_{entry.name}"
        input:
            model=entry.files,
            prompts=prompts_of,
            # A new card does not rerun extraction: its choice of prefix sharing changes states only by rounding.
            card=ancient(f"results/cards/{entry.name}.json"),
        output:
            kept(stored_states("results/activations/{model}/{context}", entry.layers)),
        log:
            "results/logs/extract_activations/{model}/{context}.log",
        benchmark:
            "results/benchmarks/extract_activations/{model}/{context}.tsv"
        wildcard_constraints:
            model=re.escape(entry.name) + UNTRAINED_ENDING,
            context="|".join(re.escape(context) for context in STUDY.contexts),
        conda:
            "../envs/numprobe.yaml"
        threads: extraction_threads(entry)
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
            gpu=gpus,
        params:
            digest=digest("extract_activations"),
            folder=subpath(output[0], parent=True),
            extraction=extraction_of,
            layers=" ".join(entry.layers),
            numbers=RANGE,
        shell:
            'python "$NUMPROBE"/extract_activations.py --digest {params.digest} --model {wildcards.model}'
            " --context {wildcards.context} --extraction {params.extraction:q} --prompts {input.prompts}"
            " --output {params.folder} --layers {params.layers} {params.numbers} --card {input.card} 2>&1 | tee {log}"

    rule:
        name:
            f"extract_vocabulary_{entry.name}"
        input:
            model=entry.files,
        output:
            kept(stored_states(f"results/activations/{{model}}/{VOCABULARY}", STUDY.layers(entry.name, VOCABULARY))),
        log:
            f"results/logs/extract_vocabulary/{{model}}.log",
        benchmark:
            "results/benchmarks/extract_vocabulary/{model}.tsv"
        wildcard_constraints:
            model=re.escape(entry.name) + UNTRAINED_ENDING,
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(3000),
            runtime=minutes(60),
        params:
            digest=digest("extract_vocabulary"),
            folder=subpath(output[0], parent=True),
            source=entry.source,
            untrained=untrained_option,
            storage=config["activations"]["dtype"],
            numbers=f"{RANGE} --fewest {STUDY.fewest_single}",
        shell:
            'python "$NUMPROBE"/extract_vocabulary.py --digest {params.digest} --model {wildcards.model}'
            " --source {params.source:q} --output {params.folder} {params.untrained} {params.numbers}"
            " --storage-dtype {params.storage} > {log} 2>&1"


rule extract_mixed:
    """Sum the randomly rotated embeddings of the last four tokens: states without a network."""
    input:
        model=lambda wildcards: base_model(wildcards).files,
        prompts=prompts_of,
        card=lambda wildcards: ancient(f"results/cards/{base_model(wildcards).name}.json"),
    output:
        kept(stored_states("results/activations/{model}/{context}", [MIXED_LAYER])),
    log:
        "results/logs/extract_mixed/{model}/{context}.log",
    benchmark:
        "results/benchmarks/extract_mixed/{model}/{context}.tsv"
    wildcard_constraints:
        model="|".join(re.escape(str(Run(name, "mixed"))) for name in STUDY.models),
        context="|".join(re.escape(context) for context in STUDY.contexts),
    conda:
        "../envs/numprobe.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        digest=digest("extract_mixed"),
        folder=subpath(output[0], parent=True),
        extraction=extraction_of,
        numbers=RANGE,
        seed=config["seed"],
    shell:
        'python "$NUMPROBE"/extract_mixed.py --digest {params.digest} --model {wildcards.model}'
        " --context {wildcards.context} --extraction {params.extraction:q} --prompts {input.prompts}"
        " --output {params.folder} --card {input.card} {params.numbers} --seed {params.seed} > {log} 2>&1"
