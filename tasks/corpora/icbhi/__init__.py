"""The ICBHI 2017 database's own formats: file names, annotations, metadata, labels and splits."""
