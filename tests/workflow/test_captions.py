"""What captions tell of the models."""

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def rendered(caption, config):
    # As Snakemake renders them.
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    (file,) = [*ROOT.glob(f"workflow/report/{caption}.rst"), *ROOT.glob(f"src/numprobe/experiments/*/{caption}.rst")]
    text = file.read_text()
    return environment.from_string(text).render(snakemake=SimpleNamespace(config=config))


@pytest.mark.parametrize("caption", ["ablation", "ablated_probe", "causal_subspace", "denoising", "steering"])
def test_captions_tell_the_settings_of_single_models(caption):
    config = {"experiments": [{"name": "ablation" if caption == "ablated_probe" else caption}], "quantised": {}}
    assert "single models" not in rendered(caption, config)
    config["experiments"][0]["settings_of"] = {"small": {"layers": [5], "target": "answer"}}
    text = " ".join(rendered(caption, config).split())
    assert "in place of those above: ``{'small': {'layers': [5], 'target': 'answer'}}``" in text
    assert ("With ``target: answer`` the model's own answers" in text) == (caption == "causal_subspace")


@pytest.mark.parametrize("caption", ["workflow", "accuracy", "summary"])
def test_captions_say_which_weights_are_quantised_and_how(caption):
    config = {**yaml.safe_load((ROOT / "config/config.yaml").read_text()), "quantised": {}}
    config["models"].insert(0, {"name": "real", "source": "package", "package": "a_b", "file": FILE})
    assert "quantised" not in rendered(caption, config)
    config["quantised"] = {"real": {"file": FILE, "type": "Q4_1"}}
    text = " ".join(rendered(caption, config).split())
    assert f"most to Q4_1{', from' if caption == 'workflow' else ' in'} ``{FILE}``" in text
    assert "quantised model, not of the one before quantisation" in text
