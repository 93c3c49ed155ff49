"""Explanation of networks: maps over the spectrogram, tests of these maps, and the sharpness of the loss."""
