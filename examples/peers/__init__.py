"""Our model against learners of other libraries, on the same folds and features of a real cohort."""
