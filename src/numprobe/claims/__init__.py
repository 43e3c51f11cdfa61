"""Claims of a study: statements in files, each evaluated for every model by paired tests (docs/claims.md)."""
