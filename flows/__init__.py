"""Prefect over DVC's graph: read it, plan, run its stages side by side."""
