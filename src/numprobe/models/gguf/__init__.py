"""GGUF files: their headers, and their conversion to ordinary model folders."""
