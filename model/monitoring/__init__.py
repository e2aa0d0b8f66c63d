"""Monitoring: is the model still right for the patients that it is used on, quarter by quarter."""
