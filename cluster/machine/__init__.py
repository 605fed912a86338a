"""Run the processes of a cluster: the part that several backends share."""
