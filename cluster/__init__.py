"""Start, find, build and examine a cluster."""
