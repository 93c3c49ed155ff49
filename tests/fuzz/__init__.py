"""Fuzz targets: inputs by Hypothesis, in a process with limits of memory and time."""
