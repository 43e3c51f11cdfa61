"""What probes read of the states and their components, and of states after an interchange."""

from collections.abc import Iterator, Sequence

import numpy as np

from numprobe.experiments.causal_subspace.own_probe import OWN_LAYER, read_test_numbers
from numprobe.experiments.causal_subspace.spaces import OWN, READOUT, WHOLE, Space, Study
from numprobe.intervals import accuracy_interval, prompt_accuracy_interval
from numprobe.interventions.interchange import Interchange
from numprobe.probes.probe import Probe
from numprobe.splits import Split
from numprobe.tables import Row


def reading_rows(
    states: np.ndarray, values: np.ndarray, spaces: Sequence[Space], split: Split, study: Study
) -> Iterator[Row]:
    """Yield a refitted probe's readings of each component and the rest; of random and trained subspaces the first."""
    for space in spaces:
        if space.draw:
            continue
        parts = {"accuracy_component": states}
        if space.basis is not None:
            component = states @ space.basis
            parts = {"accuracy_component": component, "accuracy_complement": states - component @ space.basis.T}
        for metric, part in parts.items():
            read = read_test_numbers(part, values, split)
            if read is None:
                continue
            found = accuracy_interval(read[0], read[0] == read[1])
            row = {**found.columns(), "seed": study.seed, "probe": study.probe.kind}
            yield {**space.names, "metric": metric, **row}


def check_rows(
    test: Interchange, base: np.ndarray, own: Probe | None, spaces: Sequence[Space], study: Study
) -> Iterator[Row]:
    """Yield what a probe itself reads after its component was interchanged: a check that the interchange took place.

    Parameters
    ----------
    test
        The test pairs at one layer, with the states of their sources.
    base
        float32 [pairs, width]: states of the bases.
    own
        The probe of this layer alone.
    spaces, study
        The subspaces, and the study's probe.

    Yields
    ------
    Rows with the metrics `reads_source`: share of pairs in which the probe reads the source's operand from the changed
    state, and `reads_base`: the base's operand from the unchanged one. Of `READOUT` and of the whole state the study's
    probe reads, of `OWN` the layer's own.
    """
    replaced, source = test.pairs.table[test.pairs.operand].to_numpy().astype(np.int64), test.states.cpu().numpy()
    for space in spaces:
        reader = {READOUT: study.probe, WHOLE: study.probe, OWN: own}.get(space.name)
        if reader is None:
            continue
        layer, fold = (OWN_LAYER, reader.folds[0]) if reader is own else (test.layer, study.fold)
        moved = source - base
        changed = base + (moved if space.basis is None else moved @ space.basis @ space.basis.T)
        read = {"reads_source": (changed, test.pairs.numbers), "reads_base": (base, replaced)}
        for metric, (states, numbers) in read.items():
            found = prompt_accuracy_interval(numbers, reader.decode(states, layer, fold) == numbers)
            yield {**space.names, "metric": metric, **found.columns(), "seed": study.seed, "probe": study.probe.kind}
