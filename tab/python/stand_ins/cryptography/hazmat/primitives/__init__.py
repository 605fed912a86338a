"""Hashes, keys and their forms."""
