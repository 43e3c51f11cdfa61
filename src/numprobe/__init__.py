"""numprobe: probe how language models represent and manipulate numbers."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Imported on first use, so that a job that needs one stage does not load (or depend on) the others.
_PUBLIC = {
    "Probe": "numprobe.probes.probe",
    "fit": "numprobe.fitting",
    "load_probe": "numprobe.probes.probe",
    "read_states": "numprobe.activations.store",
    "read_positions": "numprobe.activations.store",
    "read_table": "numprobe.tables",
}

__all__ = ["Probe", "__version__", "fit", "load_probe", "read_positions", "read_states", "read_table"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'numprobe' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)
