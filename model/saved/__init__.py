"""A model on disk, and the facts that lie beside it."""
