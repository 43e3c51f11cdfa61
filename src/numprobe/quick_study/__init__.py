"""`numprobe study`: a small study of one model, from its name to its report."""
