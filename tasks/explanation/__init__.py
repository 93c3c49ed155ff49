"""Explanation of trained networks: their embeddings, and what these separate."""
