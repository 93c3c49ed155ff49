"""Assignment of cycles to the train, validation and test subsets, and folds of patients."""
