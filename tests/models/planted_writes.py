"""Models of real architectures in which attention and MLP of chosen blocks write known numbers, and nothing else."""

from collections.abc import Mapping
from typing import Any

import torch

from models.tiny import VOCABULARY, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.models.architecture import locate_parts
from numprobe.models.blocks import locate_inside
from numprobe.models.tokens import NumberTokenizer

#: Prompt -> what is written at its last token: number -> amount.
Writes = Mapping[int, Mapping[int, float]]


def writing_answer_model(kind: str, questions: Questions, writes: Mapping[tuple[int, str], Writes]) -> AnswerModel:
    """A model whose state has one component per token, and whose head reads the largest.

    Parameters
    ----------
    kind
        Family of the model.
    questions
        The questions that it will be asked, to tell prompts apart.
    writes
        (block from 1, "attention" or "mlp") -> what this part writes.
    """
    model = tiny_model(kind, head=True, hidden_size=VOCABULARY, num_attention_heads=4, num_key_value_heads=2)
    for parameter in model.parameters():
        parameter.data.zero_()
    parts, numbers = locate_parts(model), NumberTokenizer(word_tokenizer())
    parts.final_norm.weight.data.fill_(1)
    model.get_output_embeddings().weight.data.copy_(torch.eye(VOCABULARY))
    asked: list[torch.Tensor] = []
    embedding = parts.base.get_input_embeddings()
    embedding.register_forward_pre_hook(lambda module, args: asked.__setitem__(slice(None), args))
    prompts = {tuple(ids): prompt for ids, prompt in _sequences(questions)}
    token = {n: numbers.tokenizer.convert_tokens_to_ids(str(n)) for n in range(200)}
    for (block, part), written in writes.items():
        module = getattr(locate_inside(parts)[block - 1], part)
        module.register_forward_hook(_writer(asked, prompts, token, written))
    return AnswerModel(model, numbers)


def _sequences(questions: Questions):
    for row, prompt in enumerate(questions.table["prompt"]):
        yield questions.ids[questions.bounds[row] : questions.bounds[row + 1]].tolist(), prompt


def _writer(asked: list[torch.Tensor], prompts: dict, token: dict[int, int], written: Writes) -> Any:
    def write(module: Any, args: Any, output: Any) -> Any:
        states = output if isinstance(output, torch.Tensor) else output[0]
        for place, ids in enumerate(asked[0].tolist()):
            for number, amount in written.get(prompts[tuple(ids)], {}).items():
                states[place, -1, token[number]] += amount
        return output

    return write
