"""The service under load and faults: its own process, a real database, eight clients."""
