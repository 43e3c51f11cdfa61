"""Model folders that are complete, or not there."""

import shutil
import tempfile
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from numprobe.atomic import atomic_path, telling_full_disk
from numprobe.models.checksums import write_checksums

#: What transformers writes of a model.
MODEL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: str | Path) -> None:
    """Write a folder that `AutoModelForCausalLM` and `AutoTokenizer` load, and its checksums; files appear complete."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with telling_full_disk(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        for name in MODEL_FILES:
            with atomic_path(folder / name) as target:
                shutil.move(Path(temporary) / name, target)
    write_checksums(folder, MODEL_FILES)
