"""Answers as people and programs read them: a tree, JSON, Mermaid, a page."""
