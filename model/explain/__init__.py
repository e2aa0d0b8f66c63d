"""Why this risk: what adds up to it, what moved it, and what is not known yet."""
