"""The rectal NET model held against published cohorts: the only real outcomes of this disease there are."""
