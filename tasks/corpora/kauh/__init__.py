"""Corpus KAUH: lung sounds of the King Abdullah University Hospital (Fraiwan et al. 2021)."""
