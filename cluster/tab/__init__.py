"""The cluster that runs in the same browser tab as Python."""
