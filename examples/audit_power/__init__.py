"""How often the audit's verdict flags a predictor that is right, and one that is wrong in a known way."""
