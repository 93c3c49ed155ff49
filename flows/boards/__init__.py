"""Finished workspaces of recipes, ranked beside what is published under the same definition."""
