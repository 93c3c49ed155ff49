"""`breathline audit`: from any number back to the bytes, and proof that nothing changed."""
