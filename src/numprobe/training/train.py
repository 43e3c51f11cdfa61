"""Train one small model, from a specification to a model folder and its log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import torch
from tqdm import tqdm

from numprobe.errors import NumprobeError
from numprobe.prompts.natural import Passage, load_passages
from numprobe.seeding import derive_seed, generator
from numprobe.tables import write_table
from numprobe.training.examination import Examination
from numprobe.training.forward import loss_of, precision, resolve_dtype
from numprobe.training.network import POSITIONS, build_network, use_fused_norms
from numprobe.training.optimiser import build_optimisers, rate_factor, set_rates
from numprobe.training.saving import save_model
from numprobe.training.sentences import all_texts
from numprobe.training.specification import Specification
from numprobe.training.tasks import Curriculum
from numprobe.training.tokenizer import build_tokenizer, words_of

#: Steps between two examinations.
EXAMINE_EVERY = 50

LOG = pl.Schema(
    {
        "model": pl.String,
        "step": pl.UInt32,
        "metric": pl.String,
        "operation": pl.String,
        "form": pl.String,
        "value": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
        "n": pl.UInt32,
    }
)

_SMALLEST_RANGE = 99


def train_model(
    name: str,
    specification: Specification,
    seed: int,
    maximum: int,
    output: str | Path,
    threads: int,
    provenance: Mapping[str, Any],
) -> pl.DataFrame:
    """Train a model and write its folder, its checkpoints (`revisions/step-N`) and `training_log.parquet`.

    The same seed, name, specification, thread count, library versions and CPU type give the same bytes.

    Parameters
    ----------
    name
        The model's name; weights and data order depend on it.
    specification
        Shape and training.
    seed
        The study's seed.
    maximum
        Largest number; the range starts at 0.
    output
        The model's folder.
    threads
        Number of torch threads.
    provenance
        Stored in the log's metadata.

    Returns
    -------
    polars.DataFrame
        The log (docs/files.md): loss is the mean since the previous row, accuracy is on held-out pairs.
    """
    run = _Run(name, specification, seed, maximum)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rows = run.train(Path(output))
    finally:
        torch.set_num_threads(before)
    log = pl.DataFrame([{"model": name, **row} for row in rows], schema=LOG)
    details = {"model": name, "seed": seed, "maximum": maximum, "threads": threads, "dtype": run.dtype}
    write_table(
        Path(output) / "training_log.parquet",
        log,
        {**provenance, **details, "specification": specification.as_dict()},
    )
    return log


def check_range(minimum: int, maximum: int) -> None:
    """Refuse a range of numbers on which small models cannot be trained.

    Raises
    ------
    NumprobeError
        Unless the range starts at 0 and ends in 99..999.
    """
    if minimum != 0 or not _SMALLEST_RANGE <= maximum <= 999:
        raise NumprobeError(
            f"numbers {minimum}..{maximum}: small models are trained on 0..max with max from {_SMALLEST_RANGE} to 999, "
            "because only these are single tokens; change numbers.min and numbers.max, or use a pretrained model"
        )


class _Run:
    """The state of one training run."""

    def __init__(self, name: str, specification: Specification, seed: int, maximum: int) -> None:
        passages = training_passages()
        self.name = name
        self.specification = specification
        self.dtype = resolve_dtype(specification.dtype)
        words = words_of([*all_texts(), *(passage.text for passage in passages)])
        self.tokenizer = build_tokenizer(words, POSITIONS)
        encode = self._encode
        self.model = build_network(specification, len(self.tokenizer), derive_seed(seed, "weights", name))
        use_fused_norms(self.model)
        self.curriculum = Curriculum(passages, encode, maximum, POSITIONS, specification.batch_scale)
        # All models answer the same questions.
        self.examination = Examination(encode, maximum, generator(seed, "examination"), self.dtype)
        self.random = generator(seed, "training rows", name)

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def train(self, output: Path) -> list[dict[str, Any]]:
        """Train to the last step, save the checkpoints below `output`, and return the rows of the log."""
        optimisers = build_optimisers(self.model, self.specification.rates)
        steps, checkpoints = self.specification.steps, set(self.specification.checkpoints)
        rows = self._examine(0)
        if 0 in checkpoints:
            self._save(output / "revisions" / "step-0")
        losses: list[float] = []
        bar = tqdm(total=steps, desc=self.name, unit="step", mininterval=1)
        for step, batches in enumerate(self.curriculum.steps(self.random, steps), start=1):
            losses.append(self._step(optimisers, batches, rate_factor(step - 1, steps)))
            bar.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
            bar.update()
            if step % EXAMINE_EVERY == 0 or step == steps or step in checkpoints:
                rows += [_loss_row(step, losses), *self._examine(step)]
                losses = []
            if step in checkpoints:
                self._save(output / "revisions" / f"step-{step}")
        bar.close()
        self._save(output)
        return rows

    def _step(self, optimisers: list[torch.optim.Optimizer], batches: list[Any], factor: float) -> float:
        set_rates(optimisers, factor)
        with precision(self.dtype):
            loss = loss_of(self.model, batches)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _examine(self, step: int) -> list[dict[str, Any]]:
        self.model.eval()
        rows = [{"step": step, **row} for row in self.examination.ask(self.model)]
        self.model.train()
        return rows

    def _save(self, folder: Path) -> None:
        save_model(self.model, self.tokenizer, folder)


def _loss_row(step: int, losses: list[float]) -> dict[str, Any]:
    return {"step": step, "metric": "loss", "value": sum(losses) / len(losses), "n": len(losses)}


def training_passages() -> list[Passage]:
    """Return the built-in passages of the training split, the only ones that a small model sees."""
    return [passage for passage in load_passages() if passage.text_split == "train"]
