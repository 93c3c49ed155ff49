"""The stages of the graph, one module each: ``python -m tasks.<stage>``."""
