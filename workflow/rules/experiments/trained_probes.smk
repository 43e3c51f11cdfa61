"""Probes that are trained by gradient descent, beside the leading closed-form probe of the same states."""

add_experiment(
    "trained_probes",
    collected={
        "trained_probes": [
            f"results/tables/trained_probes/{model}/{context}.parquet" for model, context in STUDY.trained_probe_runs()
        ]
    },
    figures={
        "trained_probes": (
            "plot_accuracy",
            ["trained_probes"],
            f"--what probes --candidates {CANDIDATES}",
            "Accuracy per layer",
        )
    },
)


use rule evaluate_probes as evaluate_trained_probes with:
    input:
        states=states_of,
        probes=lambda wildcards: [
            f"results/probes/{wildcards.model}/{wildcards.context}/{LEADING}.safetensors",
            *STUDY.iterative_files(wildcards.model, wildcards.context),
        ],
        card=lambda wildcards: f"results/cards/{base_model(wildcards).name}.json",
    output:
        table="results/tables/trained_probes/{model}/{context}.parquet",
        predictions="results/predictions/{model}/{context}.trained_probes.parquet",
    log:
        "results/logs/evaluate_trained_probes/{model}/{context}.log",
    benchmark:
        "results/benchmarks/evaluate_trained_probes/{model}/{context}.tsv"
    # Taken over, the path would be one from this folder.
    conda:
        "../../envs/numprobe.yaml"
