"""The cluster as a container: `kind` makes it where Docker or Podman answers."""
