"""Prefect artifacts of a run: plan, verdict of the validation, scores, graph, links and progress."""
