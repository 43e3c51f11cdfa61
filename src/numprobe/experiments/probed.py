"""The probes of a job."""

from numprobe.activations.store import read_manifest
from numprobe.experiments.given import Given
from numprobe.measure.origin import check_origin
from numprobe.probes.probe import Probe, load_probe


def load_probes(given: Given) -> list[Probe]:
    """Return the probes of the input `probes`, which must come from the model and context of the input `states`."""
    manifest, files = read_manifest(given.folder("states")), given.inputs["probes"]
    probes = [load_probe(path) for path in files]
    for path, probe in zip(files, probes, strict=True):
        check_origin(path, probe, manifest)
    return probes
