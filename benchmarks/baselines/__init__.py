"""Baselines: loader and training loop as in the published code."""
