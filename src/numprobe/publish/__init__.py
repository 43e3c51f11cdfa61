"""Publish probes: collect them from a study, describe them, and upload them to the Hugging Face hub."""
