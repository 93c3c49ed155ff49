"""Differences between two runs: data, code, parameters, environment and results."""
