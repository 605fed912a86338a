"""Fetch or build the programs of a cluster, pinned byte for byte."""
