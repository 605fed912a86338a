"""Ask by a hand-made packet, through the gateway, whether a TCP port is open.

An ordinary pod may do that (CAP_NET_RAW), also for an address that its own kernel
would never send to another machine. `python3 - ADDRESS PORT` prints "open" or "silent".
"""

import socket
import struct
import sys
import time
from pathlib import Path

GATEWAY = "10.244.0.1"
SOURCE_PORT = 45678
SYN, SYN_ACK = 0x02, 0x12


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def packet(source: str, target: str, port: int) -> bytes:
    """Return an IP packet that opens a connection."""
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    tcp = struct.pack("!HHIIBBHHH", SOURCE_PORT, port, 1, 0, 5 << 4, SYN, 8192, 0, 0)
    found = checksum(addresses + struct.pack("!HH", socket.IPPROTO_TCP, 20) + tcp)
    tcp = tcp[:16] + struct.pack("!H", found) + tcp[18:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, socket.IPPROTO_TCP, 0)
    found = checksum(head + addresses)
    return head[:10] + struct.pack("!H", found) + addresses + tcp


def main(target: str, port: int) -> str:
    with socket.create_connection((GATEWAY, 443), 5) as known:
        source = known.getsockname()[0]
    arp = Path("/proc/net/arp").read_text().splitlines()[1:]
    [there] = [line.split()[3] for line in arp if line.startswith(f"{GATEWAY} ")]
    here = Path("/sys/class/net/eth0/address").read_text().strip()
    ends = bytes.fromhex(there.replace(":", "") + here.replace(":", ""))
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    raw.bind(("eth0", 0x0800))
    raw.send(ends + b"\x08\0" + packet(source, target, port))
    answer = socket.inet_aton(target), struct.pack("!HH", port, SOURCE_PORT), SYN_ACK
    latest = time.monotonic() + 2
    while (left := latest - time.monotonic()) > 0:
        raw.settimeout(left)
        try:
            frame = raw.recv(2000)
        except TimeoutError:
            break
        if (frame[26:30], frame[34:38], frame[47]) == answer:
            return "open"
    return "silent"


print(main(sys.argv[1], int(sys.argv[2])))
