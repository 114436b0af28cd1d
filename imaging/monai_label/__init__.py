"""What MONAI Label's client asks a server, over our models: read and infer only."""
