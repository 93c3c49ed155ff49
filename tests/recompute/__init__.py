"""Numbers of the report of a finished project, computed again from its predictions by code that made none of them."""
