"""The hazard of onset of each cause, learned from test results that come late, at intervals, and imperfectly."""
