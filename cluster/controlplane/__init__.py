"""Kubernetes without a node, where neither namespaces nor a container can be had."""
