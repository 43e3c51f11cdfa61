"""Load a model that answers questions, and its questions."""

from dataclasses import dataclass
from pathlib import Path

from numprobe.activations.locate import longest_sequence
from numprobe.answers.ask import Asker
from numprobe.answers.questions import Questions, find_questions
from numprobe.errors import NumprobeError
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.prompted import model_prompts
from numprobe.models.source import ModelSource
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import read_prompts
from numprobe.tables import read_metadata


@dataclass(frozen=True)
class Asking:
    """How to load a model that answers.

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


def load_asker(asking: Asking) -> Asker:
    """Load a model with its head, and its tokenizer.

    Raises
    ------
    NumprobeError
        If the model cannot be read or is an encoder.
    """
    numbers = NumberTokenizer(load_tokenizer(asking.source), asking.source.prefix_token, asking.source.single_tokens)
    model = load_model(asking.source, asking.dtype, asking.device, head=True)
    asker = Asker(model, numbers, asking.batch_tokens)
    if asker.parts.facts.encoder:
        raise NumprobeError("an encoder predicts no next token, so it cannot be asked: leave it out of this experiment")
    return asker


def load_questions(asker: Asker, prompts: str | Path) -> Questions:
    """Read a prompt table, and cut its prompts before their answers.

    Raises
    ------
    NumprobeError
        If no prompt asks for a result.
    """
    longest = longest_sequence(asker.parts.config, asker.numbers.tokenizer)
    given = model_prompts(read_prompts(prompts), read_metadata(prompts), asker.numbers.tokenizer)
    return find_questions(given.table, asker.numbers, longest, given.examples)
