"""How each language writes dates; numbers are written as Django's own tables say."""
