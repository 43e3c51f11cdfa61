"""Types of settings that several experiments have."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

#: Schema of a list whose entries are all different.
ONCE = {"uniqueItems": True}

#: Different names, at least one.
Names = Annotated[list[str], Field(min_length=1, json_schema_extra=ONCE)]
#: Number of a state: 0 is what enters block 1.
Layer = Annotated[int, Field(ge=0)]
#: Different states, at least one.
Layers = Annotated[list[Layer], Field(min_length=1, json_schema_extra=ONCE)]
#: Different states by number, or `middle` for what leaves the middle block.
MiddleOrLayers = Annotated[
    list[
        Annotated[
            int | Literal["middle"],
            WithJsonSchema({"type": ["integer", "string"], "pattern": "^middle$", "minimum": 0}),
        ]
    ],
    Field(min_length=1, json_schema_extra=ONCE),
]
#: Factors of a change of states, all different.
Strengths = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1, json_schema_extra=ONCE)]

NumberContexts = Annotated[
    list[str],
    Field(
        min_length=1,
        description="Where numbers are read: `vocabulary` (the embedding matrices) and contexts of kind `number`, "
        "which have one state for each number.",
        json_schema_extra=ONCE,
    ),
]
Draws = Annotated[int, Field(ge=1, le=20, description="How often the numbers are divided into two halves at random.")]
#: Layers that are changed one at a time, none named for all.
ChangedLayers = Annotated[
    list[Layer],
    Field(
        json_schema_extra=ONCE,
        description="Layers whose states are changed, one at a time; none named, the state after every block that is "
        "stored.",
    ),
]
AskedPrompts = Annotated[
    int,
    Field(
        ge=20,
        description="Prompts of each operation, at most, spread evenly over the true results. Those of half of the "
        "results choose the layer and the strength, those of the other half are reported.",
    ),
]

Operand = Annotated[
    Literal["a", "b"],
    Field(
        description="Whose state is changed, at its own token: the first or the second operand of `a + b =` and "
        "`a - b =`. Of a context that gives it a smaller range than the other (`operands`), the other. The directions "
        "are those of the first context of kind `operand`, where the second operand is read."
    ),
]
OperandPrompts = Annotated[
    int,
    Field(
        ge=20,
        description="Sums and differences in symbols, each at the most, that are asked; they are spread over the "
        "results.",
    ),
]
