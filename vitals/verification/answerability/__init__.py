"""Whether a prompt holds what its answer needs: a reader of the data block, and what follows from it."""
