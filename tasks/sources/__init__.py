"""Where recordings come from: the official site, an archive, a folder or the generator."""
