"""Processes of a run: DVC, process groups, watchdogs."""
