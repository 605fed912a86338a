"""Connect as a notebook's first cell does: for a process of its own."""

from helpers import connect, kubectl

print(repr(connect()))
print(kubectl("get namespaces"))
