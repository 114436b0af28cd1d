"""Telling other systems that something happened: ids only, signed, by way of a table."""
