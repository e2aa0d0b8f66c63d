"""A model on patients of another place or time: who they are, how it does, and whether an update would help."""
