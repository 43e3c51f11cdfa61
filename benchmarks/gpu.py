"""Extraction on a GPU in bfloat16: a random Llama with the shape of Llama 3.2 1B, at batches that fill the device."""

import torch
from matplotlib.figure import Figure

import extraction
import prefixes
from _bench import Goal, Ratio, arguments, draw_ratios, finish
from _ways import BARE, FLUSHED, PARQUET, RAM, WRITING, random_llama
from numprobe.models.architecture import Architecture

#: The shape of Llama 3.2 1B.
LARGE = {
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128_256,
    "max_position_embeddings": 131_072,
}
#: Fills the device: four times as many are a few percent faster, and keep four times the states in flight.
GOAL, BATCH_TOKENS = 0.9, 16_384
_FED = (
    "of each batch only a part is left to run, which fills the device less than a whole one; how much that costs was "
    "not measured apart"
)


def measure(
    parts: Architecture, repeats: int, seconds: float = 1.5
) -> tuple[list[dict[str, object]], dict[int, dict[str, Ratio]], dict[str, Ratio]]:
    """The tables of `extraction` and `prefixes`, and their ratios: by length, and of prompts that begin alike."""
    table: list[dict[str, object]] = []
    ratios = {}
    for length in extraction.LENGTHS:
        rows, ratios[length] = extraction.measure(parts, length, {}, repeats, seconds, BATCH_TOKENS, "bfloat16")
        table += rows
    rows, shared = prefixes.measure(parts, 64, 0, repeats, seconds, BATCH_TOKENS, "bfloat16")
    for row in rows:
        row["way"] = f"{row['way']}, 64 prompts per prefix"
        table.append({column: row.get(column, "") for column in table[0]})
    return table, ratios, shared


def _bound(ratios: dict[str, Ratio]) -> str:
    return (
        f"the same bytes in plain files, flushed side by side, take {ratios[FLUSHED]} of the bare pass, and writing "
        f"alone {ratios[WRITING]}; states in memory take {ratios[RAM]}"
    )


def main() -> None:
    """Print and write the comparison, where there is a GPU."""
    options = arguments(__doc__).parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured")
        return
    parts = random_llama(LARGE, torch.bfloat16, "cuda")
    table, ratios, shared = measure(parts, options.repeats)
    goals = [
        Goal(
            f"{length} tokens",
            f"to {where} over the bare forward pass, {length} tokens",
            1 / GOAL,
            found[way],
            True,
            _bound(found),
        )
        for length, found in ratios.items()
        for where, way in (("memory", RAM), ("Parquet", PARQUET))
    ]
    goals += [
        Goal(
            f"prefixes to {where}",
            f"to {where} over the bare forward pass of whole prompts, 64 prompts per prefix, 4 tokens",
            prefixes.GOAL,
            shared[way],
            True,
            bound,
        )
        for where, way, bound in (("memory", RAM, _FED), ("Parquet", PARQUET, _bound(shared)))
    ]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(ratios), sharex=True, sharey=True)
        for axes, (length, found) in zip(panels, ratios.items(), strict=True):
            bars = {name: one for name, one in found.items() if name not in (BARE, WRITING, FLUSHED)}
            draw_ratios(axes, bars, f"times the bare pass, {length} tokens", 1 / GOAL)

    summary = (
        f"A random model with the shape of Llama 3.2 1B in bfloat16, states too; the same batches of {BATCH_TOKENS:,} "
        f"tokens for all ways, {options.repeats} repeats. A state is copied while the pass goes on, and written while "
        "the next batch runs. Goals ask for 90 % of the bare pass's tokens per second, so for 1.11 times its seconds."
    )
    finish("gpu", table, goals, {"summary": summary}, draw, "cuda")


if __name__ == "__main__":
    main()
