"""Only numbers leave: a forecast that holds anything else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError

if TYPE_CHECKING:
    from model.forecast import Forecast
    from model.predictor import Predictor
    from model.types import FloatArray, Histories


def finite_forecast(predictor: Predictor, histories: Histories, as_of_month: FloatArray) -> Forecast:
    """Predict as `Predictor.predict` does; raises NotSupportedError also where the answer is no number."""
    return require_finite(predictor.predict(histories, as_of_month))


def require_finite(forecast: Forecast) -> Forecast:
    """Return the forecast, or raise NotSupportedError.

    NaN compares false with everything, so a NaN risk would pass for one under a limit.
    """
    if not (np.isfinite(forecast.unseen).all() and np.isfinite(forecast.incidence).all()):
        raise NotSupportedError("the model gives no finite number for this record")
    return forecast
