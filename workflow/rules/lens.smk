"""The number lens: pages that show what a probe reads at every token and layer of some texts."""

from numprobe.lens.examples import EXAMPLES

for name in LENS_CONTEXTS:

    rule:
        name:
            f"write_lens_{name}"
        input:
            model=STUDY.models[name].files,
            probes=lens_probes(name),
            answers=lens_answer_probe(name),
        output:
            expand("results/lens/{model}/{page}.html", model=name, page=[example.name for example in EXAMPLES]),
            f"results/lens/{name}/levels.json",
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
            " --probe {input.probes[0]} --controls {params.controls} {params.answering} --device {params.device:q}"
            " --dtype {params.dtype} --output {params.folder} > {log} 2>&1"


rule lens:
    """Make the pages of all models."""
    input:
        expand("results/lens/{model}/levels.json", model=LENS_CONTEXTS),
    localrule: True
