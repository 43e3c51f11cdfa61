"""Finding, loading and describing language models."""
