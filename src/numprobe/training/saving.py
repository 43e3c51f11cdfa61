"""Write model folders, complete or not at all."""

import tempfile
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from numprobe.atomic import telling_full_disk
from numprobe.models.checksums import publish_model

#: Files that transformers writes for a model.
MODEL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: str | Path) -> None:
    """Write a folder for `AutoModelForCausalLM` and `AutoTokenizer`, and its checksums; files appear complete."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with telling_full_disk(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        publish_model(temporary, folder, MODEL_FILES)
