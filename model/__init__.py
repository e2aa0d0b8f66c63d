"""Dynamic recurrence risk: from a cohort's tables to an audited model, and from one history to risks and a schedule."""
