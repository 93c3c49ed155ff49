"""The pipeline over commits and values of parameters: a workspace for each case, and what they scored."""
