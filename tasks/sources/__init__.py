"""Sources of files: HTTP, archives and folders."""
