"""From a field of a smear to its white cells: found, sorted, counted."""
