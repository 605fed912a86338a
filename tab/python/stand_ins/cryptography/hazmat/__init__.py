"""The layer below the recipes."""
