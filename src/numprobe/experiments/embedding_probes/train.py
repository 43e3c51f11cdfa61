"""Training of probes by gradient descent, with our settings and with the published ones: the jobs differ in values."""

from numprobe.experiments.training import train_probes

fit_iterative_embedding_probes = fit_published_embedding_probes = train_probes
