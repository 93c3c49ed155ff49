"""HTTP service of a trained model: predictions, page and metrics."""
