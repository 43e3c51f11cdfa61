"""Inside the layer: queries, keys, values, what attention and MLP add, beside the residual stream around the block."""

SITE_CONTEXTS = (STUDY.experiment("sites") or {"contexts": []})["contexts"]
SITE_PROBES = (STUDY.experiment("sites") or {}).get("probes") or [
    name for name in STUDY.closed_form if name in ("fourier", "digits", "linear", LEADING)
]
SITE_RUNS = [(model, context) for model, context in STUDY.runs("sites") if context in SITE_CONTEXTS]

add_experiment(
    "sites",
    collected={"sites": [f"results/tables/sites/{model}/{context}.parquet" for model, context in SITE_RUNS]},
    skipped=STUDY.not_applicable("sites", SITE_CONTEXTS),
    figures={
        "sites": ("plot_sites", ["sites"], f"--candidates {CANDIDATES}", "Inside the layer"),
    },
)


if STUDY.experiment("sites"):

    for entry in [STUDY.models[model] for model in STUDY.models_of("sites")]:

        rule:
            name:
                f"extract_sites_{entry.name}"
            input:
                model=entry.files,
                prompts=prompts_of,
                card=ancient(f"results/cards/{entry.name}.json"),
            output:
                kept(site_files(entry, "{model}", "{context}")),
            log:
                "results/logs/extract_sites/{model}/{context}.log",
            benchmark:
                "results/benchmarks/extract_sites/{model}/{context}.tsv"
            wildcard_constraints:
                model=re.escape(entry.name) + UNTRAINED_ENDING,
                context="|".join(re.escape(context) for context in STUDY.contexts),
            conda:
                "../../envs/numprobe.yaml"
            threads: extraction_threads(entry)
            resources:
                mem_mb=memory(4000),
                runtime=minutes(240),
                gpu=gpus,
            params:
                code=digest("extract_sites"),
                folder=subpath(output[0], parent=True),
                source=entry.source,
                blocks=" ".join(blocks_of(entry)),
                expected=entry.facts.layers,
                numbers=RANGE,
                untrained=untrained_option,
                storage=config["activations"]["dtype"],
                batch=entry.entry.get("batch_tokens", config["activations"]["batch_tokens"]),
                share=config["activations"]["share_prefixes"],
                device=entry.device,
                dtype=entry.entry.get("dtype", "float32"),
            shell:
                'python "$NUMPROBE"/extract_sites.py --code {params.code} --model {wildcards.model}'
                " --context {wildcards.context} --source {params.source:q} --prompts {input.prompts}"
                " --output {params.folder} --layers {params.blocks} --expected-layers {params.expected}"
                " {params.numbers} {params.untrained} --storage-dtype {params.storage} --batch-tokens {params.batch}"
                " --share-prefixes {params.share} --card {input.card} --device {params.device:q}"
                " --dtype {params.dtype} 2>&1 | tee {log}"

    rule evaluate_sites:
        """Probes of every site, on the numbers that they have not seen."""
        input:
            states=lambda wildcards: site_files(base_model(wildcards), wildcards.model, wildcards.context),
            accuracy="results/tables/accuracy/{model}/{context}.parquet",
            card=lambda wildcards: f"results/cards/{base_model(wildcards).name}.json",
        output:
            "results/tables/sites/{model}/{context}.parquet",
        log:
            "results/logs/evaluate_sites/{model}/{context}.log",
        benchmark:
            "results/benchmarks/evaluate_sites/{model}/{context}.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            code=digest("evaluate_sites"),
            states=states_folder,
            model=lambda wildcards: base_model(wildcards).name,
            control=lambda wildcards: control_of(wildcards.model),
            probes=" ".join(SITE_PROBES),
            controls=lambda wildcards: " ".join(
                control for control in STUDY.probe_controls(wildcards.model) if control != "gaussian"
            ),
            split=f"{RANGE} {SPLIT}",
            resamples=RESAMPLES,
        shell:
            'python "$NUMPROBE"/evaluate_sites.py --code {params.code} --activations {params.states}'
            " --accuracy {input.accuracy} --card {input.card} --model {params.model} --control {params.control}"
            " --probes {params.probes} --controls {params.controls} {params.split} --resamples {params.resamples}"
            " --output {output} > {log} 2>&1"
