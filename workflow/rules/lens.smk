"""The number lens: pages that show what a probe reads at every token and layer of some texts."""

from numprobe.lens.examples import EXAMPLES

for name in LENS_CONTEXTS:

    rule:
        name:
            f"measure_lens_{name}"
        input:
            model=STUDY.models[name].files,
            probe=lens_probes(name)[0],
        output:
            f"results/lens/{name}/levels.json",
        log:
            f"results/logs/measure_lens/{name}.log",
        benchmark:
            f"results/benchmarks/measure_lens/{name}.tsv"
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
            gpu=STUDY.models[name].gpus,
        params:
            digest=digest("measure_lens"),
            source=STUDY.models[name].source,
            device=STUDY.models[name].device,
            dtype=STUDY.models[name].entry.get("dtype", "float32"),
        shell:
            'python "$NUMPROBE"/measure_lens.py --digest {params.digest} --source {params.source:q} --probe {input.probe}'
            " --device {params.device:q} --dtype {params.dtype} --output {output} > {log} 2>&1"

    rule:
        name:
            f"write_lens_{name}"
        input:
            model=STUDY.models[name].files,
            probes=lens_probes(name),
            answers=lens_answer_probe(name),
            levels=f"results/lens/{name}/levels.json",
        output:
            expand("results/lens/{model}/{page}.html", model=name, page=[example.name for example in EXAMPLES]),
        log:
            f"results/logs/write_lens/{name}.log",
        benchmark:
            f"results/benchmarks/write_lens/{name}.tsv"
        conda:
            "../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(60),
            gpu=STUDY.models[name].gpus,
        params:
            digest=digest("write_lens"),
            model=name,
            source=STUDY.models[name].source,
            controls=" ".join(lens_controls(name)),
            answering=" ".join(f"--answer-probe {moved(file)}" for file in lens_answer_probe(name)),
            device=STUDY.models[name].device,
            dtype=STUDY.models[name].entry.get("dtype", "float32"),
            folder=subpath(output[0], parent=True),
        shell:
            'python "$NUMPROBE"/write_lens.py --digest {params.digest} --model {params.model} --source {params.source:q}'
            " --probe {input.probes[0]} --levels {input.levels} --controls {params.controls} {params.answering}"
            " --device {params.device:q} --dtype {params.dtype} --output {params.folder} > {log} 2>&1"


if LENS_CONTEXTS:

    rule write_lens_index:
        input:
            expand("results/lens/{model}/{page}.html", model=LENS_CONTEXTS, page=[one.name for one in EXAMPLES]),
        output:
            "results/lens/index.html",
        log:
            "results/logs/write_lens_index.log",
        benchmark:
            "results/benchmarks/write_lens_index.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            digest=digest("write_lens_index"),
            models=" ".join(LENS_CONTEXTS),
        shell:
            'python "$NUMPROBE"/write_lens_index.py --digest {params.digest} --models {params.models} --output {output}'
            " > {log} 2>&1"


rule lens:
    """Make the pages of all models."""
    input:
        ["results/lens/index.html"] if LENS_CONTEXTS else [],
    localrule: True
