"""Explanation of trained networks: embeddings, maps over spectrograms, and sharpness of the loss."""
