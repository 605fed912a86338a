"""Kubernetes' conformance suite, whole, on a cluster of its own: `make conformance`."""
