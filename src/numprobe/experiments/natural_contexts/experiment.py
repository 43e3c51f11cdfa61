"""Numbers in running text, by domain, and transfer to and from arithmetic: drawn from accuracy and transfer."""

from numprobe.experiments import inputs, needs
from numprobe.experiments.declare import Experiment, Figure, Need, Place, Settings


def _contexts(at: Place, kind: str) -> list[str]:
    return [name for name, entry in at.study.contexts.items() if entry["kind"] == kind]


EXPERIMENT = Experiment(
    title="Natural contexts",
    about="numbers in running text by domain, and transfer to and from arithmetic",
    group="representation",
    settings=Settings,
    needs=[
        Need(
            what="a context of the kind natural",
            is_met=lambda study, name: any(study.contexts_of_kind(model, "natural") for model in study.models_of(name)),
        ),
        needs.experiments("accuracy", "transfer"),
    ],
    jobs=[],
    tables={},
    figures=[
        Figure(
            "natural_contexts",
            tables=["accuracy", "transfer"],
            values={
                "natural": lambda at: _contexts(at, "natural"),
                "operand": lambda at: _contexts(at, "operand"),
                "candidates": inputs.candidates,
            },
        )
    ],
)
