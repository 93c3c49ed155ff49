"""Soft labels from the logits of teachers."""
