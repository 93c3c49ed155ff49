"""Names of the files in the folders of feature caches, weights and trained networks."""

from typing import Literal

FEATURES = "features.npy"
INDEX = "index.parquet"
STATISTICS = "statistics.json"
WEIGHTS = "model.safetensors"
SOURCE = "source.json"
CARD = "model.json"
HISTORY = "history.csv"
SELECTION: Literal["val"] = "val"  # selection of the epoch that is exported and that predicts
