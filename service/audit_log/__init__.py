"""Who did what to whose record, and when: a log that only grows and shows when it was tampered with."""
