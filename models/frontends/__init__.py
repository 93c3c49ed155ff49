"""Front ends from waveforms to fbank features."""
