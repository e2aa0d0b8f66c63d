"""Pages for people: server-rendered, no scripts, nothing from elsewhere."""
