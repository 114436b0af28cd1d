"""One module per suite: each runs in a process of its own, inside a scratch house."""
