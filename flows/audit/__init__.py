"""Whether what lies here still is what `dvc.lock` says: hashed anew, and followed from stage to stage."""
