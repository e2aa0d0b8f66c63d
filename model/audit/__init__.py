"""How good the predictions are, for whom, and how sure one can be of it."""
