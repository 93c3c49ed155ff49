"""Names of the files in the folders of feature caches, weights and trained networks."""

FEATURES = "features.npy"
INDEX = "index.parquet"
STATISTICS = "statistics.json"
WEIGHTS = "model.safetensors"
SOURCE = "source.json"
CARD = "model.json"
HISTORY = "history.csv"
