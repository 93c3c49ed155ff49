"""Corpora, one package each: file names, annotations, metadata, label sets, expected content."""
