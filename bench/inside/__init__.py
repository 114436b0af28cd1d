"""What runs inside a house: in a process of its own, with the house's settings and database."""

WARM_UP = 2  # images before the first that counts: models are loaded, caches filled
EMAIL, PASSWORD = "bench@localhost", "only for the benchmark's own house"
