"""New recordings of a source, and promotion of the model that is trained on them."""
