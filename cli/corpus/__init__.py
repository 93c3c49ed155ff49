"""`breathline corpus`: the corpora of a project."""
