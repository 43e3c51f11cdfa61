"""Read every number of the embedding matrices with the probe that was fitted without it."""

from numprobe.experiments.embedding_probes.readings import end_rows, fold_rows, non_decodable
from numprobe.experiments.given import Given
from numprobe.experiments.probed import load_probes
from numprobe.measure.origin import read_card
from numprobe.measure.settings import EXTRA, evaluate_settings


def evaluate_embedding_probes(given: Given) -> None:
    """Write the table of a model or control, and the table of the numbers that a model's probes misread."""
    values, folder = given.values, given.folder("states")
    card, probes = read_card(given.file("card"), folder), load_probes(given)
    predictions, rows = evaluate_settings(folder, probes, card, given.control, values["resamples"], values["seed"])
    if given.control == "none":
        rows += fold_rows(rows) + end_rows(predictions, values["seed"])
        given.write(non_decodable(predictions, given.model), "non_decodable")
    given.write_rows(({"context": "vocabulary", **row} for row in rows), EXTRA)
