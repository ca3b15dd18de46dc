"""Pages to look at a collection: one of a server, and one that needs none."""
