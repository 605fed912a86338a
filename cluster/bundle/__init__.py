"""Fetch programs and the pods' image in one archive, and put both into the cache."""
