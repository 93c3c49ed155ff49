"""Scheduling of stages: the loop, GPU slots, and the Prefect task that runs one stage."""
