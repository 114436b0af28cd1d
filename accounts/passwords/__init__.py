"""Which passwords are refused: those that are guessed first, not those that lack a kind of sign."""
