"""Name the files and ports that the node's kernel, its network and the host share.

Paths are relative to the state directory, in which the launcher and the kernel work: so
they are short and hold nothing that a kernel's command line would cut in two.
"""

#: what slirp4netns makes of it: the host's loopback device, and the node
HOST_IP = "10.0.2.2"
GUEST_IP = "10.0.2.100"
GUEST_MASK = "255.255.255.0"
DEVICE = "vec0"
#: where the API server's way to pods and the kubelet comes out, in the node
TUNNEL_PORT = 8132

FRAMES = "run/frames.sock"
ORDERS = "run/slirp.sock"
#: where the API server begins its way to pods and the kubelet
WAY = "run/egress.sock"
#: The disk with the images, only read, and what PID 1 is asked for. Pods reach neither.
DISK = "run/disk"
PLAN = "run/node.json"
#: leads to our packages
PACKAGES = "run/packages"
#: The node's own state directory, in there what its kernel writes, and its other disk.
#: Pods can write to them, as the kernel shows its host's files to whoever mounts them.
STATE = "guest"
RUN = f"{STATE}/run"
WRITTEN = f"{RUN}/disk.written"
EGRESS = "etc/egress.json"

#: MB; a node with three pods leaves half of it free
MEMORY = 512
