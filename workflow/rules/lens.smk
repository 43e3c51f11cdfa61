"""The number lens: pages that show what a probe reads at every token and layer of some texts."""

from numprobe.lens.examples import EXAMPLES

# The context whose probe reads each model of the default target: passages, where the study has them, else any in which
# numbers are read.
LENS_CONTEXTS = {
    name: next(iter(STUDY.contexts_of_kind(name, "natural") + STUDY.own_token_contexts(name)), None)
    for name in main_models()
}
LENS_CONTEXTS = {name: context for name, context in LENS_CONTEXTS.items() if context and STUDY.closed_form}


def lens_controls(model):
    """Return the controls that stand beside a model: one untrained twin, and the mixed embeddings."""
    return [
        Run.parse(run).control for run in STUDY.control_runs(model) if Run.parse(run).control in ("untrained", "mixed")
    ]


def lens_answer_probe(model):
    """Return the probe that reads a model's answers before they are written, in a list; empty without one."""
    contexts = STUDY.contexts_of_kind(model, "result")[:1]
    return [f"results/probes/{model}/{context}/{LEADING}.safetensors" for context in contexts]


def lens_probes(model):
    """Return the probe that reads the numbers of a model, and those of its controls."""
    runs = [model, *(str(Run(model, control)) for control in lens_controls(model))]
    return [f"results/probes/{run}/{LENS_CONTEXTS[model]}/{LEADING}.safetensors" for run in runs]


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
