"""Risk strata of published guidelines, judged beside our model by the yardstick for anybody's predictions."""
