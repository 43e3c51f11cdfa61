"""Probes: one job fits all layers and folds of a model in a context, with the model's controls."""


rule make_split:
    """Divide the numbers into the folds of the study, and of the experiments with other folds."""
    output:
        SPLIT,
    log:
        "results/logs/make_split.log",
    benchmark:
        "results/benchmarks/make_split.tsv"
    conda:
        "../envs/numprobe.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        digest=digest("make_split"),
        splits=json.dumps(STUDY.splits, sort_keys=True),
    shell:
        'python "$NUMPROBE"/make_split.py --digest {params.digest} --splits {params.splits:q} --output {output}'
        " > {log} 2>&1"


CLOSED_FORM_OUTPUTS = "results/probes/{{model}}/{{context}}/{probe}{ending}.safetensors"


for fit in closed_form_fits():

    rule:
        name:
            fit.rule_name("probes")
        input:
            states_of,
            split=SPLIT,
        output:
            expand(CLOSED_FORM_OUTPUTS, probe=STUDY.closed_form, ending=fit.endings),
        log:
            "results/logs/fit_probes/{model}/{context}.log",
        benchmark:
            "results/benchmarks/fit_probes/{model}/{context}.tsv"
        wildcard_constraints:
            model=fit.pattern,
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
            gpu=FITTING_GPUS,
        params:
            digest=digest("fit_probes"),
            states=states_folder,
            folder=subpath(output[0], parent=True),
            probes=" ".join(STUDY.closed_form),
            controls=" ".join(fit.controls),
            device=config["fitting"]["device"],
        shell:
            'python "$NUMPROBE"/fit_probes.py --digest {params.digest} --activations {params.states}'
            " --output {params.folder} --probes {params.probes} --controls {params.controls}"
            " --device {params.device} --split {input.split} > {log} 2>&1"


for entry in STUDY.iterative:

    rule:
        name:
            f"fit_{entry['name']}_probe"
        input:
            states_of,
            split=SPLIT,
        output:
            expand(
                "results/probes/{{model}}/{{context}}/{probe}{ending}.safetensors",
                probe=entry["name"],
                ending=["", ".shuffled"] if entry["shuffled"] else [""],
            ),
        log:
            f"results/logs/fit_{entry['name']}_probe/{{model}}/{{context}}.log",
        benchmark:
            f"results/benchmarks/fit_{entry['name']}_probe/{{model}}/{{context}}.tsv"
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(600),
            gpu=FITTING_GPUS,
        params:
            digest=digest("fit_iterative_probes"),
            states=states_folder,
            folder=subpath(output[0], parent=True),
            probe=entry["name"],
            controls="shuffled" if entry["shuffled"] else "",
            settings=json.dumps({"published": entry["published"], **steps_of(entry)}),
            folds=entry["folds"],
            device=config["fitting"]["device"],
        shell:
            'python "$NUMPROBE"/fit_iterative_probes.py --digest {params.digest} --activations {params.states}'
            " --output {params.folder} --probes {params.probe} --controls {params.controls}"
            " --settings {params.settings:q} --memory-mb {resources.mem_mb} --fold-limit {params.folds}"
            " --device {params.device} --split {input.split} > {log} 2>&1"
