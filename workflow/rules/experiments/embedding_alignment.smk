"""Number embeddings moved to the fitted code, and arithmetic measured again."""
