"""Predictions of a trained network for recordings."""
