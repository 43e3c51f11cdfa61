"""The number lens: what a probe reads at every token of a text, layer by layer, as one page (docs/lens.md)."""
