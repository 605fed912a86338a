"""Machines that people have, each a kernel of its own, used as people use theirs."""
