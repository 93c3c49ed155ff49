"""Benchmarks of the stages, of training and of runs."""
