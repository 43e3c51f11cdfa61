"""Inside the layer: queries, keys, values, what attention and MLP add, beside the residual stream around the block."""

from collections.abc import Iterator

from pydantic import Field

from numprobe.experiments import inputs, needs
from numprobe.experiments.declare import Config, Experiment, Figure, Job, Need, Place, Settings, Study
from numprobe.experiments.settings import Names
from numprobe.names import unknown_names
from numprobe.probes.settings import ITERATIVE


class SitesSettings(Settings):
    """Settings of `sites`."""

    contexts: Names = Field(
        ["operand"], description="Names of the contexts in which the states inside the blocks are read."
    )
    probes: Names | None = Field(
        None,
        description="Probes that are fitted at every site, among the study's closed-form probes. If left out, "
        "`fourier`, `digits` and `linear`, as far as the study has them. The figure shows `fourier`, or else the "
        "first.",
    )


def _runs(study: Study, name: str) -> list[tuple[str, str]]:
    contexts = study.experiment(name)["contexts"]
    return [(run, context) for run, context in study.runs(name) if context in contexts]


def _probe_problems(config: Config, name: str) -> Iterator[str]:
    """Sites stand beside the residual stream, which the study's own probes read."""
    closed_form = [probe["name"] for probe in config["probes"] if probe["name"] not in ITERATIVE]
    entry = needs.entry_of(config, name)
    where = f"experiments['{name}'].probes"
    return unknown_names(entry.get("probes", []), closed_form, where, "closed-form probes")


def _blocks(at: Place) -> list[str]:
    """Return the numbers of the blocks whose residual stream is stored."""
    return [layer for layer in at.study.models[at.model].layers if layer.isdigit() and layer != "0"]


def _components(at: Place) -> int:
    """Return five widths per block, at the most: queries, keys, values, and what attention and MLP add."""
    return len(_blocks(at)) * 5 * (at.study.models[at.model].width or 0)


def _state_files(at: Place) -> list[str]:
    """Return the patterns of the files of states inside the blocks, manifest last."""
    sites = ("qkv", "attention", "mlp")
    return inputs.stored_states("results/activations/{model}/{context}.sites", _blocks(at), sites)


def _states(at: Place) -> list[str]:
    return [file.format(model=at.run, context=at.context) for file in _state_files(at)]


def _probes(at: Place) -> list[str]:
    default = ("fourier", "digits", "linear", at.study.leading_probe)
    return at.setting("probes") or [name for name in at.study.closed_form if name in default]


def _controls(at: Place) -> list[str]:
    return [control for control in at.study.probe_controls(at.run) if control != "gaussian"]


EXPERIMENT = Experiment(
    title="Inside the layer",
    about="queries, keys, values, attention and MLP outputs inside the layer",
    group="representation",
    settings=SitesSettings,
    needs=[needs.named_contexts(), Need(problems=_probe_problems)],
    jobs=[
        Job(
            "extract_sites",
            places=_runs,
            inputs={"model": inputs.model_files, "prompts": inputs.prompts, "card": inputs.card},
            outputs={"states": _state_files},
            values={"layers": _blocks, "extraction": inputs.extraction, "numbers": inputs.numbers},
            module="extract",
            gpu=True,
            states=True,
            components=_components,
            ancient=["card"],
        ),
        Job(
            "evaluate_sites",
            places=_runs,
            inputs={
                "states": _states,
                "accuracy": lambda at: f"results/tables/accuracy/{at.run}/{at.context}.parquet",
                "card": inputs.card,
                "split": inputs.split,
            },
            outputs={"table": "results/tables/sites/{model}/{context}.parquet"},
            values={
                "probes": _probes,
                "controls": _controls,
                "resamples": inputs.resamples,
                "seed": inputs.seed,
            },
        ),
    ],
    tables={"sites": ["evaluate_sites"]},
    figures=[Figure("sites", tables=["sites"], values={"candidates": inputs.candidates})],
    reserved_endings=[".sites"],
)
