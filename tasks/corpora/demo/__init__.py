"""Demo corpus: generated recordings in the format of ICBHI 2017."""
