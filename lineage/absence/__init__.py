"""Whether anything of a patient is left in what lies there: searched for, not concluded from what stages say."""
