"""Trained networks as one module from waveforms to decisions, for export."""
