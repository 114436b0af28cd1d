"""Backups: one sealed file with the database, the encrypted files and the models; no key in it."""
