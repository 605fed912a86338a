"""The command line: commands, how they print, the report for a bug."""

from cluster.cli.commands import main as main
