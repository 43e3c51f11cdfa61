"""Beyond cardinal numbers: months, letters, number words"""

# Models that are run; of the others only the embedding matrices are read.
READERS = [name for name in STUDY.models_of("ordinals") if not STUDY.models[name].embeddings_only]
NUMBER_CONTEXTS = [context for context in (VOCABULARY, BARE) if context]

add_experiment(
    "ordinals",
    collected={"ordinals": [f"results/tables/ordinals/{name}.parquet" for name in READERS]},
    skipped=[
        f"{name}:word:only the embeddings of this model are read"
        for name in STUDY.models_of("ordinals")
        if name not in READERS
    ],
    figures={"ordinals": ("plot_ordinals", ["ordinals"], "", "Beyond cardinal numbers")},
)


if STUDY.experiment("ordinals"):

    for name in READERS:

        rule:
            name:
                f"extract_ordered_{name}"
            input:
                STUDY.models[name].files,
            output:
                kept(any_model(ordered_states(name), name)),
            log:
                "results/logs/extract_ordered/{model}.log",
            benchmark:
                "results/benchmarks/extract_ordered/{model}.tsv"
            wildcard_constraints:
                model=re.escape(name) + UNTRAINED_ENDING,
            conda:
                "../../envs/numprobe.yaml"
            threads: 1
            resources:
                mem_mb=memory(3000),
                runtime=minutes(60),
                gpu=gpus,
            params:
                code=digest("extract_ordered"),
                folder=subpath(output[0], parent=True),
                source=STUDY.models[name].source,
                layers=" ".join(STUDY.models[name].layers),
                untrained=untrained_option,
                storage=config["activations"]["dtype"],
                device=STUDY.models[name].device,
                dtype=STUDY.models[name].entry.get("dtype", "float32"),
                sets=" ".join(map(shlex.quote, STUDY.experiment("ordinals")["sets"])),
            shell:
                'python "$NUMPROBE"/extract_ordered.py --code {params.code} --model {wildcards.model}'
                " --source {params.source:q} --sets {params.sets} --layers {params.layers} {params.untrained}"
                " --storage-dtype {params.storage} --device {params.device:q} --dtype {params.dtype}"
                " --output {params.folder} > {log} 2>&1"

    rule evaluate_ordinals:
        """The place of every word in its set, and what the probe of digits reads in it."""
        input:
            states=lambda wildcards: ordered_states(wildcards.model),
            untrained=lambda wildcards: (
                ordered_states(wildcards.model + UNTRAINED) if STUDY.reads_untrained(wildcards.model) else []
            ),
            probes=number_probes,
        output:
            "results/tables/ordinals/{model}.parquet",
        log:
            "results/logs/evaluate_ordinals/{model}.log",
        benchmark:
            "results/benchmarks/evaluate_ordinals/{model}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(3000),
            runtime=minutes(120),
        params:
            code=digest("evaluate_ordinals"),
            folder="results/ordinals/{model}",
            untrained=lambda wildcards: (
                f"--untrained results/ordinals/{wildcards.model}{UNTRAINED}"
                if STUDY.reads_untrained(wildcards.model)
                else ""
            ),
            permutations=STUDY.experiment("ordinals")["permutations"],
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_ordinals.py --code {params.code} --model {wildcards.model}'
            " --states {params.folder} {params.untrained} --probes {input.probes}"
            " --permutations {params.permutations} --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"
