"""Engines that run a trained network on waveforms."""
