"""What only deeper lessons use, those of `notebooks/deeper/`."""
