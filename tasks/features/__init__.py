"""Feature extraction: cycle waveforms in, features of a front end out."""
