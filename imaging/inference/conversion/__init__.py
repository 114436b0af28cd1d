"""A trained model as somebody saved it → one that is served. Only the engine child comes here."""
