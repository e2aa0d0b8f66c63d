"""Policies of follow-up tried on synthetic patients: the one place under `model` that draws synthetic data."""
