"""Numbers in running text, by domain, and transfer to and from arithmetic: drawn from accuracy and transfer."""

NATURAL, OPERAND = (
    [name for name, entry in STUDY.contexts.items() if entry["kind"] == kind] for kind in ("natural", "operand")
)

add_experiment(
    "natural_contexts",
    figures={
        "natural_contexts": (
            "plot_natural_contexts",
            ["accuracy", "transfer"],
            f"--natural {' '.join(NATURAL)} --operand {' '.join(OPERAND)} --candidates {CANDIDATES}",
            "Natural contexts",
        )
    },
)
