"""Hidden states at the probed tokens: locating, extracting, storing and reading them."""
