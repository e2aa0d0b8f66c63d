"""Synthetic rectal NET cohort whose truth is known: lesions, growth, imperfect tests, follow-up."""
