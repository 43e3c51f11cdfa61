"""The command `numprobe lens`: load what a page needs, measure or reuse its levels, write it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numprobe.errors import NumprobeError
from numprobe.lens.levels import PASSAGES, STUDY_PASSAGES, Level
from numprobe.lens.make import CONTROLS, Read, Request, asked_answer, check_request, levels_of, make_page_content
from numprobe.lens.page import write_page
from numprobe.lens.stored import cached_levels, read_levels, study_levels
from numprobe.models.facts import facts_from_config, read_config
from numprobe.models.load import load_model, load_tokenizer
from numprobe.models.source import ModelSource, resolve_source
from numprobe.models.weights import weight_files
from numprobe.probes.probe import Probe, load_probe
from numprobe.runs import Run
from numprobe.seeding import derive_seed

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Lens:
    """What makes pages.

    Attributes
    ----------
    source
        Where the model comes from.
    probe
        A probe file.
    controls
        Names of controls (`numprobe.lens.make.CONTROLS`).
    answer_probe
        File of a probe that reads answers before they are written; None: `probe` reads them.
    device
        auto, cpu, cuda or cuda:N.
    check
        False to use the probe on a model that it was not fitted on.
    levels
        File of the model's levels (`numprobe.lens.stored`); None: those of the probe's study, else those of the user's
        cache, else measured.
    dtype
        Type of the weights in the forward pass.
    passages
        Texts to measure levels on (`numprobe.lens.levels.held_out_prompts`).
    cached
        Whether measured levels are kept in the user's cache.
    """

    source: ModelSource
    probe: Path
    controls: Sequence[str] = ()
    answer_probe: Path | None = None
    device: str = "auto"
    check: bool = True
    levels: Path | None = None
    dtype: str = "float32"
    passages: int = PASSAGES
    cached: bool = True


@dataclass(frozen=True, eq=False)
class Loaded:
    """A loaded model and its tokenizer, with everything that a page reads."""

    read: Read
    tokenizer: Any
    controls: dict[str, Read]
    answering: Read | None
    names: dict[str, str]


def write_lens(
    lens: Lens, text: str, answer: int | None, output: Path, tell: Tell = lambda line: None
) -> dict[str, Any]:
    """Write the page of one text, and return its content.

    Raises
    ------
    NumprobeError
        If the text cannot be shown, or model, probe or a control cannot be loaded or do not belong together.
    """
    check_request(text, answer)
    if output.is_dir():
        raise NumprobeError(f"--output {output} is a folder: name a file, such as {output / 'lens.html'}")
    loaded = load(lens, head=asked_answer(text, answer) is not None, tell=tell)
    content = content_of(loaded, text, answer)
    write_page(output, content)
    return content


def content_of(loaded: Loaded, text: str, answer: int | None = None, required: bool = True) -> dict[str, Any]:
    """Return the content of the page of a text; parameters as in `numprobe.lens.make.Request`."""
    request = Request(text, answer, required, loaded.controls, loaded.answering, loaded.names)
    return make_page_content(loaded.read, loaded.tokenizer, request)


def load(lens: Lens, head: bool, tell: Tell = lambda line: None, name: str | None = None) -> Loaded:
    """Load a model and its controls with their probes, and measure what is known of these.

    Parameters
    ----------
    lens
        What to load.
    head
        Whether the model is to answer, if it can.
    tell
        Is told what takes long.
    name
        What pages call the model; None: its id or folder.
    """
    for file in (lens.probe, lens.answer_probe):
        if file is not None and not file.is_file():
            raise NumprobeError(f"{file} does not exist: name a probe file, results/probes/.../*.safetensors")
    files = {control: control_file(lens.probe, control) for control in lens.controls}
    facts = facts_from_config(read_config(resolve_source(lens.source, weights=False).folder))
    tokenizer = load_tokenizer(lens.source)
    asked = head and facts.unembedding and not facts.encoder
    model: Any = load_model(lens.source, lens.dtype, lens.device, head=asked)
    probe = load_probe(lens.probe, model, tokenizer, check=lens.check)
    read = _with_levels(lens, model, tokenizer, probe, lens.probe, 0, tell)
    controls = {control: _control(lens, file, model, tokenizer, tell) for control, file in files.items()}
    answering = None
    if lens.answer_probe is not None and asked:
        probe = load_probe(lens.answer_probe, model, tokenizer, check=lens.check)
        answering = _with_levels(lens, model, tokenizer, probe, lens.answer_probe, 0, tell, asked=True)
    return Loaded(read, tokenizer, controls, answering, {"model": name or _name(lens.source), "probe": str(lens.probe)})


def measure_probe(source: ModelSource, probe: Path, device: str, dtype: str) -> list[Level]:
    """Return the levels of a probe of a study, measured on more texts than those of a single page.

    Parameters
    ----------
    source
        Where the model comes from.
    probe
        File of the probe.
    device
        auto, cpu, cuda or cuda:N.
    dtype
        Type of the weights in the forward pass.
    """
    tokenizer, model = load_tokenizer(source), load_model(source, dtype, device)
    return levels_of(model, tokenizer, load_probe(probe, model, tokenizer), passages=STUDY_PASSAGES)


def _name(source: ModelSource) -> str:
    """Return the id of a model on the hub, or the name of its folder."""
    return source.id or Path(source.path or source.folder or "").resolve().name


def control_file(probe: Path, control: str) -> Path:
    """Return the probe of a control of a model: the same context and file beside that of the model.

    Raises
    ------
    NumprobeError
        If there is no such control, or no such file.
    """
    if control not in CONTROLS:
        raise NumprobeError(f"--control {control}: is one of {', '.join(CONTROLS)}")
    place = probe.resolve()
    folder = place.parent.parent
    file = folder.with_name(str(Run(folder.name, control))) / place.parent.name / place.name
    if not file.is_file():
        raise NumprobeError(
            f"--control {control}: its probe {file} does not exist: run the study with the control {control}, or leave "
            "the option out"
        )
    return file


def _control(lens: Lens, file: Path, model: Any, tokenizer: Any, tell: Tell) -> Read:
    """Return a control: random weights, or the model itself whose embeddings are mixed."""
    probe = load_probe(file, tokenizer=tokenizer, check=lens.check)
    seed, run = int(probe.metadata["split"]["seed"]), Run.parse(str(probe.metadata["model"]))
    if run.control == "mixed":
        return _with_levels(lens, model, tokenizer, probe, file, seed, tell)
    drawn = derive_seed(seed, run.control, run.model) % 2**31
    twin = load_model(lens.source, lens.dtype, lens.device, drawn)
    return _with_levels(lens, twin, tokenizer, probe, file, seed, tell)


def _with_levels(
    lens: Lens, model: Any, tokenizer: Any, probe: Probe, file: Path, seed: int, tell: Tell, asked: bool = False
) -> Read:
    if lens.levels is not None and file == lens.probe:
        levels = _fitting(read_levels(lens.levels), probe, lens.levels)
        return Read(model, probe, levels, seed)

    if not asked and (stored := study_levels(file)) is not None:
        return Read(model, probe, _fitting(stored, probe, file), seed)

    def measure() -> list[Level]:
        tell("measuring the probe's confidence at tokens that are no numbers, on held-out text; kept for later pages")
        return levels_of(model, tokenizer, probe, seed, lens.passages, asked)

    if not lens.cached:
        return Read(model, probe, measure(), seed)
    weights = weight_files(resolve_source(lens.source).folder, False)
    return Read(model, probe, cached_levels([file, *weights], [seed, lens.passages, asked], measure), seed)


def _fitting(levels: list[Level], probe: Probe, path: Path) -> list[Level]:
    if [level.layer for level in levels] != list(probe.layers):
        raise NumprobeError(f"{path} holds the levels of other layers than the probe's: leave --levels out")
    return levels
