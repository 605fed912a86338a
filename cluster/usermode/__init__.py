"""A node in user-mode Linux, for machines that let us make no namespaces."""
