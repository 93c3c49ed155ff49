"""Exports of the lineage: OpenLineage, PROV, Croissant, in-toto, CycloneDX, and cards of the Hugging Face Hub."""
