"""The cohort: tables from files or frames, their rules, and what comes out of them."""
