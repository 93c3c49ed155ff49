"""Recipes: what a published method sets, over which recordings, and how params.yaml gets it."""
