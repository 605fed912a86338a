"""Give a cluster: what starts, finds, builds and examines one."""
