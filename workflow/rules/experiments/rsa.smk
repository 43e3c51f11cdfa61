"""Are the number spaces of different models alike? Representational similarity with nulls"""

# Embedding matrices and bare numbers of all models and their untrained controls.
COMPARED = bare_runs("rsa")
COMPARED_EMBEDDED = STUDY.models_of("rsa", VOCABULARY)

add_experiment(
    "rsa",
    collected={"rsa": ["results/tables/rsa/all.parquet"] if COMPARED else []},
    skipped=STUDY.not_applicable("rsa", [VOCABULARY]),
    figures={"rsa": ("plot_rsa", ["rsa"], "", "09. Similarity of the number spaces")},
)


if STUDY.experiment("rsa"):

    rule evaluate_rsa:
        """Every pair of models at the embeddings and layer by layer, with nulls and controls."""
        input:
            states=[file for run in COMPARED for file in STUDY.states(*run)],
            cards=expand("results/cards/{model}.json", model=STUDY.models_of("rsa")),
            matched=[file for model in COMPARED_EMBEDDED for file in matched_states(model)],
            tokens="results/matched/tokens.parquet" if COMPARED_EMBEDDED else [],
        output:
            "results/tables/rsa/all.parquet",
        log:
            "results/logs/evaluate_rsa.log",
        benchmark:
            "results/benchmarks/evaluate_rsa.tsv"
        conda:
            "../../envs/numprobe.yaml"
        threads: 1
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            code=digest("evaluate_rsa"),
            folders=manifests(COMPARED),
            matched=matched_folders(COMPARED_EMBEDDED),
            permutations=STUDY.experiment("rsa")["permutations"],
            resamples=RESAMPLES,
            seed=config["seed"],
        shell:
            'python "$NUMPROBE"/evaluate_rsa.py --code {params.code} --activations {params.folders}'
            " --cards {input.cards} {params.matched}"
            " --permutations {params.permutations} --resamples {params.resamples} --seed {params.seed}"
            " --output {output} > {log} 2>&1"
