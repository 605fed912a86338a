"""Python beside the cluster, in the same tab: Pyodide, with the network of the cluster.

`machine.install()` comes first; `kernel` runs the cells of lessons.
"""
