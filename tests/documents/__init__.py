"""Commands of the documents, and how each kind of them is run."""
