"""Run the processes of a cluster: what the backends that have any share."""
