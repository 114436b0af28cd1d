"""DIMSE: what modalities send by C-STORE; needs pynetdicom, which is an extra."""
