"""The study file: what the columns of a cohort mean."""
