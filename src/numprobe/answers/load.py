"""From where a model comes to one that answers."""

from dataclasses import dataclass
from pathlib import Path

from numprobe.activations.locate import longest_sequence
from numprobe.answers.ask import Asker
from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import read_prompts


@dataclass(frozen=True)
class Asking:
    """How a model is asked.

    Attributes
    ----------
    source
        Where the model comes from.
    dtype, device
        Type of the weights and device (`numprobe.models.load.load_model`).
    batch_tokens
        Tokens in one batch at the most.
    """

    source: ModelSource
    dtype: str = "float32"
    device: str = "auto"
    batch_tokens: int = 16384


def load_questions(asking: Asking, prompts: str | Path) -> tuple[Asker, Questions]:
    """Load a model with its head, and cut the prompts of a table before their answers.

    Raises
    ------
    NumprobeError
        If the model cannot be read or is an encoder, or no prompt asks for a result.
    """
    tokenizer = load_tokenizer(asking.source)
    numbers = NumberTokenizer(tokenizer, asking.source.prefix_token)
    model = load_model(asking.source, asking.dtype, asking.device, head=True)
    asker = Asker(model, numbers, asking.batch_tokens)
    if asker.parts.facts.encoder:
        raise NumprobeError("an encoder predicts no next token, so it cannot be asked: leave it out of this experiment")
    return asker, find_questions(read_prompts(prompts), numbers, longest_sequence(model.config, tokenizer))
