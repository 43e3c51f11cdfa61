"""Figures: drawn from the joined tables alone."""

#: figure -> (program, table, further options)
PLOTS = {
    "summary": ("plot_summary", "accuracy", ""),
    "accuracy": ("plot_accuracy", "accuracy", "--what probes"),
    "controls": ("plot_accuracy", "accuracy", "--what controls"),
    "transfer": ("plot_transfer", "transfer", ""),
    "spectra": ("plot_spectra", "spectra", ""),
    "examples": ("plot_examples", "examples", ""),
}
CATEGORIES = {
    "summary": "1. Summary",
    "accuracy": "2. Accuracy per layer",
    "controls": "3. Controls",
    "transfer": "4. Transfer between contexts",
    "spectra": "5. Spectra of the embeddings",
    "examples": "6. Decoded numbers",
    "training": "7. Training of the small models",
}


def figure_outputs(figure):
    """The files of a figure; the PNG goes into the report."""
    image = report(
        f"results/figures/{figure}.png",
        caption=f"../report/{figure}.rst",
        category=CATEGORIES[figure],
        labels={"figure": figure},
    )
    others = [f"results/figures/{figure}.{format}" for format in [*FORMATS, "csv"] if format != "png"]
    return [image, *others]


for figure in [name for name in figure_names() if name != "training"]:

    rule:
        name:
            f"plot_{figure}"
        input:
            f"results/tables/{PLOTS[figure][1]}.parquet",
        output:
            figure_outputs(figure),
        log:
            f"results/logs/plot/{figure}.log",
        benchmark:
            f"results/benchmarks/plot/{figure}.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=digest(PLOTS[figure][0]),
            program=PLOTS[figure][0],
            options=PLOTS[figure][2],
            output=f"results/figures/{figure}",
            formats=" ".join(FORMATS),
        shell:
            "python $NUMPROBE/{params.program}.py --code {params.code} --table {input} {params.options}"
            " --output {params.output} --formats {params.formats} > {log} 2>&1"


if trained_models():

    rule plot_training:
        """Loss and held-out accuracy of the trained models."""
        input:
            [f"results/models/{model.name}/training_log.parquet" for model in trained_models()],
        output:
            figure_outputs("training"),
        log:
            "results/logs/plot/training.log",
        benchmark:
            "results/benchmarks/plot/training.tsv"
        conda:
            "../envs/numprobe.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=digest("plot_training"),
            output="results/figures/training",
            formats=" ".join(FORMATS),
        shell:
            "python $NUMPROBE/plot_training.py --code {params.code} --logs {input} --output {params.output}"
            " --formats {params.formats} > {log} 2>&1"
