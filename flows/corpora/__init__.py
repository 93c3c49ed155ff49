"""Corpora of a project: their items in params.yaml, and what they left on the disk."""
