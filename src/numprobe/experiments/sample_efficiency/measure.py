"""Measure the sample efficiency of all probes for one model in one context."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tqdm import tqdm

from numprobe.experiments.given import Given
from numprobe.experiments.sample_efficiency.data import CONTROLS
from numprobe.experiments.sample_efficiency.fits import Reading, measure_order
from numprobe.experiments.sample_efficiency.iterative import measure_iterative
from numprobe.experiments.sample_efficiency.order import FEWEST, Order, make_order
from numprobe.experiments.sample_efficiency.sample import Sample, read_sample
from numprobe.experiments.sample_efficiency.summary import EXTRA, Row, measurement_rows
from numprobe.probes.codes import CODES
from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements


@dataclass(frozen=True)
class Amounts:
    """Amounts of training data.

    Attributes
    ----------
    values, prompts
        Numbers of training values, and maximum numbers of training rows per value.
    held_out
        Number of test values.
    orders
        Number of random orders of the values.
    iterative_values
        Sizes at which iterative probes are fitted too, in the first order.
    """

    values: Sequence[int]
    prompts: Sequence[int]
    held_out: int
    orders: int
    iterative_values: Sequence[int] = ()


def evaluate_sample_efficiency(given: Given) -> None:
    """Write the table of a run and context.

    The untrained network and the mixed embeddings are controls themselves, so their probes have no shuffled control.
    """
    values = given.values
    amounts = Amounts(**{field.name: values[field.name] for field in fields(Amounts)})
    kinds, numbers = [*values["closed_form"], *values["iterative"]], (values["numbers"][0], values["numbers"][1])
    effort = values["resamples"], values["seed"]
    is_control = values["control"] != "none"
    controls = ["none"] if is_control else CONTROLS
    rows = measure_folder(given.folder("states"), values["layer"], kinds, numbers, amounts, *effort, controls)
    named = {"model": values["model"], "context": given.context, "layer": values["layer"], "seed": values["seed"]}
    marked = {"control": values["control"]} if is_control else {}
    given.write(measurements([{**named, **row, **marked} for row in rows], EXTRA))


def measure_folder(
    folder: str | Path,
    layer: str,
    kinds: Sequence[str],
    numbers: tuple[int, int],
    amounts: Amounts,
    resamples: int,
    seed: int,
    controls: Sequence[str] = CONTROLS,
) -> list[Row]:
    """Return rows for `numprobe.tables.measurements`, without model, context and layer.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    layer
        Name of the state.
    kinds
        Probes, in closed form or iterative.
    numbers
        First and last candidate.
    amounts
        Amounts of data.
    resamples, seed
        Number of bootstrap resamples, and the seed of bootstrap, orders and controls.
    controls
        Labels of the fits (`numprobe.experiments.sample_efficiency.fits.measure_order`).

    Returns
    -------
    A single row with a status if there are too few numbers, or if all states are one vector.

    Raises
    ------
    NumprobeError
        If the folder is incomplete or has no such layer.
    """
    sample = read_sample(folder, layer, *numbers, max(amounts.prompts), seed)
    needed = max(FEWEST, min(amounts.values)) + amounts.held_out
    if len(sample.present) < needed:
        reason = f"{len(sample.present)} numbers, needs {needed}"
        return [{"metric": "accuracy", **not_applicable(reason), "seed": seed}]
    found = list(_orders(folder, sample, kinds, numbers, amounts, seed, controls))
    if not any(found):
        return [{"metric": "accuracy", **constant_state(), "seed": seed}]
    return measurement_rows(found, numbers[1] - numbers[0] + 1, resamples, seed)


def _orders(
    folder: str | Path,
    sample: Sample,
    kinds: Sequence[str],
    numbers: tuple[int, int],
    amounts: Amounts,
    seed: int,
    controls: Sequence[str],
) -> Iterator[list[Reading]]:
    closed = [kind for kind in kinds if kind in CODES]
    for index in tqdm(range(amounts.orders), desc="orders", unit="order"):
        order = make_order(*numbers, sample.present, amounts.values, amounts.held_out, seed, index)
        found = measure_order(sample, order, closed, amounts.prompts, seed, controls)
        if found and index == 0 and amounts.iterative_values:
            found += _iterative(folder, sample, order, kinds, amounts, found[0].train_prompts, seed)
        yield found


def _iterative(
    folder: str | Path, sample: Sample, order: Order, kinds: Sequence[str], amounts: Amounts, prompts: int, seed: int
) -> list[Reading]:
    open_kinds = [kind for kind in kinds if kind not in CODES]
    return measure_iterative(folder, sample, order, open_kinds, amounts.iterative_values, prompts, seed)
