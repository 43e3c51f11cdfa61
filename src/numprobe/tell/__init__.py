"""Findings of a study, as Markdown pages whose every number comes from a collected table."""
