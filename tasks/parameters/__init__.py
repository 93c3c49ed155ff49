"""Model of the whole of params.yaml and of recipes, and the check of both before anything runs."""
