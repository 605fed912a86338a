"""The recipe of the toolbox image: what is picked, added and asked for."""

import dataclasses

from cluster.image import toolbox
from cluster.image.archive import Entry

INPUTS = toolbox.Inputs("debian-12", "amd64", "0" * 64, ("kubernetes==37.0.2",))
FILE = Entry(0o644, content=b"")


def test_unwanted_files_go_with_all_that_is_below():
    tree = dict.fromkeys(
        (
            "usr/share/doc",
            "usr/share/doc/bash/copyright",
            "usr/share/docbook",
            "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so",
            "usr/lib/a/b/gconv",
            "usr/lib/x86_64-linux-gnu/libc.so.6",
            "etc/hostname",
            "etc/host.conf",
            "etc/rc3.d/S01procps",
            "dev",
            "dev/stdin",
            "usr/lib/python3.12/test/support.py",
            "usr/lib/python3.12/this.py",
        ),
        FILE,
    )
    assert list(toolbox.pick(tree, toolbox.UNWANTED)) == [
        "usr/share/docbook",
        "usr/lib/a/b/gconv",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "etc/host.conf",
        "dev",
        "usr/lib/python3.12/this.py",
    ]


def test_every_input_changes_the_key():
    others = {
        "system": "ubuntu-24.04",
        "architecture": "arm64",
        "kubectl": "1" * 64,
        "client": ("kubernetes==37.0.3",),
    }
    assert others.keys() == {field.name for field in dataclasses.fields(INPUTS)}
    keys = [
        dataclasses.replace(INPUTS, **{k: v}).key(b"").split("-")
        for k, v in others.items()
    ]
    first, second = INPUTS.key(b"").split("-")
    # Of an image with another client only the second part is another.
    assert [one == first for one, _ in keys] == [False, False, False, True]
    assert [two == second for _, two in keys] == [True, True, True, False]
    assert INPUTS.key(b"another program") != INPUTS.key(b"")


def test_a_proxys_password_does_not_show_in_ps():
    command = toolbox.unpack_command("bookworm", "/w/sources", "/w/options", "/w/root")
    assert "--aptopt=/w/options" in command
    assert command[-3:] == ["bookworm", "/w/root", "/w/sources"]
