"""Monitoring of the model on the service's own patients: calibration, drift of inputs, overdue visits."""
