"""Keys of two parts."""
