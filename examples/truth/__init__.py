"""The model held against the truth that only synthetic cohorts have: `python -m examples.truth NAME`."""
