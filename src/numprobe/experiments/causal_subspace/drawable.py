"""Check that a study has pairs of prompts to interchange numbers in."""

from collections.abc import Iterator
from dataclasses import replace

from numprobe.errors import NumprobeError
from numprobe.experiments.declare import Study
from numprobe.interventions.pairs import (
    NO_CONTEXT,
    TEST,
    TRAIN,
    VALIDATION,
    draw_pairs,
    interchange_split,
    read_pair_prompts,
    shared_operations,
)
from numprobe.prompts.arithmetic import arithmetic_examples
from numprobe.prompts.examples import describe_examples
from numprobe.splits import STUDY, make_split

#: Pairs of an operation that are drawn to see whether there are any.
_TRIED = 10


def pair_problems(study: Study, experiment: str) -> Iterator[str]:
    """Yield where ranges of operands and worked examples leave no numbers to interchange in some part of the split."""
    numbers = study.config["numbers"]["min"], study.config["numbers"]["max"]
    for model, name in study.operand_runs(experiment):
        context, seed = study.contexts[name], study.config["seed"]
        examples = describe_examples(arithmetic_examples(name, context, numbers, context.get("seed", seed)))
        described = {"context": context, "numbers": study.config["numbers"], "examples": examples}
        prompts = replace(read_pair_prompts(described), operand=study.operand(experiment, name))
        split = interchange_split(make_split(**study.splits[STUDY]), seed)
        try:
            wanted = study.settings(experiment, model)["operations"]
            operations = shared_operations(wanted, context["operations"], name)
            for part in (TRAIN, VALIDATION, TEST) if prompts != NO_CONTEXT else ():
                draw_pairs(operations, split, part, _TRIED * len(operations), seed, prompts)
        except NumprobeError as error:
            yield f"experiments['{experiment}'], contexts['{name}']: {error}"
