"""The landmark editor: a window in which the points of both photographs of a pair are put right."""
