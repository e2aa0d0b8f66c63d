"""When to see a patient again, and with which tests."""
