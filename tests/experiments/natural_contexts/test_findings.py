"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.natural_contexts.findings import section
from numprobe.tables import measurements


def row(value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 100, **more}


def test_text_tells_domains_and_both_directions():
    natural = {"context": "natural"}
    accuracy = [
        row(0.9, **natural),
        row(0.01, control="shuffled", **natural),
        row(0.8, subset="domain=recipes", **natural),
    ]
    transfer = [
        row(0.95, fit_context="operand"),
        row(0.9, fit_context="natural", **natural),
        row(0.85, fit_context="natural"),
        row(0.3, fit_context="operand", **natural),
    ]
    tables = {"accuracy": measurements(accuracy), "transfer": measurements(transfer, {"fit_context": pl.String})}
    text = section(tables)
    assert "| m | natural | fourier | 90 [89, 91] |" in text and "| m | natural | shuffled | 1 [0, 2] |" in text
    assert "| m | natural | 1 | 80 [79, 81] |" in text
    assert "| m | natural → operand | 85 [84, 86] |" in text
    assert "In 1 of 1 models probes of text keep more of arithmetic" in text
    assert "probes of text lose 10 points in arithmetic and probes of arithmetic 60 in text" in text
    assert "Llama-3.2-1B lose 4 and 18 points" in text


def test_a_study_without_domains_says_so():
    tables = {"accuracy": measurements([row(0.9)]), "transfer": measurements([], {"fit_context": pl.String})}
    assert "No context has domains" in section(tables)
