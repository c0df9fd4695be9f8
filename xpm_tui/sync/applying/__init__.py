"""Apply a plan on both sides, journaled, and find out what became of a lost answer."""
