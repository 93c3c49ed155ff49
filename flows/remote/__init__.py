"""A stage on another worker: commit and data go there by Git and DVC, its outs come back the same way."""
