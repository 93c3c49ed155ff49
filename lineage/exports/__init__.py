"""What the lineage says, in the words of standards: OpenLineage, PROV, Croissant, in-toto, CycloneDX, and cards."""
