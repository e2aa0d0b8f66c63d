"""A model held against published cohorts: recurrences expected to be found, beside the published number."""
