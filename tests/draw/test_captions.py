"""The captions of the report, rendered as Snakemake does."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from config_schema import fill_defaults
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).parents[2]
CAPTIONS = sorted([*ROOT.glob("workflow/report/*.rst"), *ROOT.glob("src/numprobe/experiments/*/*.rst")])
STUDIES = [path.stem for path in sorted((ROOT / "config").glob("*.yaml")) if path.stem != "claims"]


def _study(name: str) -> dict:
    """Return a shipped configuration with its defaults, as the workflow gives it to captions."""
    config = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
    fill_defaults(config)
    return config


def _render(caption: Path, study: str) -> str:
    config = _study(study)
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = environment.from_string(caption.read_text()).render(snakemake=SimpleNamespace(config=config))
    return publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["html_body"]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("caption", CAPTIONS, ids=lambda path: path.stem)
def test_captions_are_valid_for_every_shipped_study(caption, study):
    assert len(_render(caption, study)) > 500


@pytest.mark.parametrize("study", STUDIES)
def test_the_report_names_all_models_contexts_and_probes_of_its_study(study):
    config = _study(study)
    page = _render(ROOT / "workflow" / "report" / "workflow.rst", study)
    for entry in [*config["models"], *config["contexts"], *config["probes"]]:
        assert f">{entry['name']}<" in page
