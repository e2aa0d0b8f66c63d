"""From a cohort to a model: fitting, choosing a learner, updating for a site."""
