"""Corpus HF_Lung_V1 (Hsu et al. 2021)."""
