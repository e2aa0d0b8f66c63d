"""Who is asking, and what they may do: API keys, tokens of an identity provider, sessions of the pages, roles."""
