"""Configure the machine's loopback device; by ioctl, as `ip` may not be installed."""

import ctypes
import fcntl
import ipaddress
import socket
import struct
import subprocess
from pathlib import Path

from cluster.language import mark
from cluster.machine import layout as at
from cluster.syscalls import step

# linux/sockios.h
_SIOCADDRT = 0x890B
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C
# linux/if.h, linux/route.h
_IFF_UP = 0x1
_RTF_UP = 0x1

#: The second table tries what kube-proxy and portmap need of the kernel. Read while the
#: package can still be seen.
RULES = Path(__file__).with_name("loopback.nft").read_text()


def configure_network() -> None:
    """Bring `lo` up with the cluster's fixed addresses; raise StepRefused."""
    with step(mark("configuring the loopback device")):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            _set_up(control, "lo")
            addresses = (at.NODE_IP, at.API_SERVICE_IP, at.DNS_SERVICE_IP)
            for index, address in enumerate(addresses, start=1):
                _add_address(control, f"lo:{index}", address)
            _add_route(control, at.SERVICE_CIDR, "lo")
    with (
        step(mark("switching on IP forwarding")),
        open("/proc/sys/net/ipv4/ip_forward", "w") as file,
    ):
        file.write("1")


def guard_loopback() -> bool:
    """Drop packets of pods to 127.0.0.0/8; return False where kube-proxy cannot run.

    The kernel drops them until a pod has a port of the node (`hostPort`), for which
    portmap sets route_localnet on the pods' bridge.
    """
    try:
        done = subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=False)
    except OSError:
        return False  # nft is not installed
    return done.returncode == 0


def add_device(device: str, address: str, mask: str) -> None:
    """Bring a network device up with an address; raise StepRefused."""
    with (
        step(f"configuring {device}"),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control,
    ):
        _add_address(control, device, address, mask)
        _set_up(control, device)


def _set_up(control: socket.socket, device: str) -> None:
    request = struct.pack("16sh14x", device.encode(), 0)
    answer = fcntl.ioctl(control, _SIOCGIFFLAGS, request)
    flags = struct.unpack("16sh14x", answer)[1] | _IFF_UP
    fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", device.encode(), flags))


def _add_address(
    control: socket.socket, alias: str, address: str, mask: str = "255.255.255.255"
) -> None:
    for number, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
        packed = struct.pack(
            "16sH2x4s8x", alias.encode(), socket.AF_INET, socket.inet_aton(value)
        )
        fcntl.ioctl(control, number, packed)


def _add_route(control: socket.socket, network: str, device: str) -> None:
    """Send packets for `network` to `device`.

    Else the kernel says "unreachable" of a Service without endpoints before
    kube-proxy's rules refuse, as elsewhere.
    """
    to = ipaddress.ip_network(network)
    target, gateway, mask = (
        struct.pack("H2x4s8x", socket.AF_INET, address)
        for address in (to.network_address.packed, bytes(4), to.netmask.packed)
    )
    name = ctypes.create_string_buffer(device.encode())
    # struct rtentry of linux/route.h
    entry = struct.pack(
        "L16s16s16sHhLPhPLLH",
        0,  # rt_pad1
        target,
        gateway,
        mask,
        _RTF_UP,
        0,  # rt_pad2
        0,  # rt_pad3
        0,  # rt_pad4
        0,  # rt_metric
        ctypes.addressof(name),
        0,  # rt_mtu
        0,  # rt_window
        0,  # rt_irtt
    )
    fcntl.ioctl(control, _SIOCADDRT, entry)
