"""The probe's subspace removed: answers, and a probe fitted anew, over the rank."""
