"""Steering: move the state at an operand's token to another number, and count the answers that follow."""

from pydantic import Field

from numprobe.experiments import needs
from numprobe.experiments.changed_states import operand_job
from numprobe.experiments.declare import Experiment, Figure, Settings
from numprobe.experiments.settings import Layers, Operand, OperandPrompts, Strengths


class SteeringSettings(Settings):
    """Settings of `steering`."""

    operand: Operand = "b"
    layers: Layers | None = Field(
        None,
        description="States that are moved, one at a time: 0 (what enters block 1), 1, .... Those that a model does "
        "not have are left out; no later token reads what leaves the last block. All, if left out.",
    )
    strengths: Strengths = Field(
        [0.5, 1, 1.5, 2],
        description="How far a state is moved, in units of the distance between the patterns of the two numbers; "
        "validation operands choose.",
    )
    prompts: OperandPrompts = 400


EXPERIMENT = Experiment(
    title="Steering",
    about="operands moved to other numbers",
    group="manipulation",
    settings=SteeringSettings,
    needs=[needs.fourier_probe(), needs.operands()],
    jobs=[operand_job("steer_operands", "steering", ["strengths", "prompts"])],
    tables={"steering": ["steer_operands"]},
    by_model=["layers", "strengths", "prompts"],
    figures=[Figure("steering", tables=["steering"])],
)
