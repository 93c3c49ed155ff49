"""ICBHI 2017: file names, annotations, metadata, labels, splits, identity and facts."""
