"""Training the small models of the default study."""
