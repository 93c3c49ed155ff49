"""What a run leaves in Prefect's UI: its plan, verdict, scores, lineage, links and progress."""
