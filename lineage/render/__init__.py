"""Presentation of a trace: a tree in the terminal, a Mermaid flowchart, an HTML page."""
