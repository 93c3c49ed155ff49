"""A generated corpus in the format of ICBHI 2017: nothing in it was ever recorded."""
