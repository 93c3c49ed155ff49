"""Audio: files into samples, samples into waveforms at a front end's rate, and measures of quality."""
