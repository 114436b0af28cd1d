"""One module per suite: which processes run in which house, and what rows come of it."""
