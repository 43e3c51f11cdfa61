"""One page on which the tables of a study are explored in a browser, without a network."""
