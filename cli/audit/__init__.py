"""Commands of `breathline audit`: origin of figures, verification, comparison, removal, exports."""
