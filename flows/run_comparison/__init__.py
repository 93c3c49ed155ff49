"""Two or more runs side by side, with paired differences (`breathline report --compare`)."""
