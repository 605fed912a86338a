"""The cluster as a container: `kind` makes it where Docker or Podman answers.

`backend.Kind` has the verbs and uses all of these, which use those above them:
Engine      the command line of Docker or Podman: which answers, state of the container
KindPlan    names, configuration and arguments of the cluster; pure
Commands    runs kind, and the engine for images, with output in `kind.log`
Node        queries the container, by the engine's exec and our kubectl
NodeClient  imports images into the node's containerd, for `image.load`
"""
