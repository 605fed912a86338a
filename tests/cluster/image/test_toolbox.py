"""The recipe of the toolbox image: what is picked, added and asked for."""

import dataclasses
from pathlib import Path

from cluster import versions
from cluster.image import toolbox
from cluster.image.archive import Entry

INPUTS = toolbox.Inputs("debian-12", "amd64", "0" * 64, ("kubernetes==37.0.2",))
FILE = Entry(0o644, content=b"")
PACKAGES = "usr/local/lib/python3.11/dist-packages"


def layers(base=(), client=()):
    tree = {"usr/bin/catatonit": Entry(content=b"init"), **dict.fromkeys(base, FILE)}
    return toolbox.layers(
        tree,
        dict.fromkeys(client, FILE),
        Path("zipped.zip"),
        Path("bin/kubectl"),
        PACKAGES,
    )


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


def test_pause_image_is_the_lowest_layer_and_holds_only_the_init():
    assert list(layers(["usr/bin/bash"])[0]) == ["usr/bin/catatonit"]
    assert "usr/bin/catatonit" not in layers(["usr/bin/bash"])[1]
    assert toolbox.PAUSE_CONFIG["Entrypoint"][0] == "/usr/bin/catatonit"
    assert toolbox.PAUSE_NAMES == (versions.PAUSE_IMAGE,)


def test_names_that_a_package_brings_are_not_replaced():
    base = layers(["usr/bin/sh", "usr/bin/ip"])[1]
    assert base["usr/bin/sh"] == base["usr/bin/ip"] == FILE
    assert base["usr/bin/nslookup"] == Entry(target="busybox")
    assert base["usr/bin/awk"] == Entry(target="mawk")


def test_what_install_scripts_would_have_made():
    base = layers(["tmp"])[1]
    assert base["tmp"].mode == base["var/tmp"].mode == 0o1777
    assert base["root"].mode == 0o700
    # curl finds the list of authorities that the client brings.
    assert base["etc/ssl/certs/ca-certificates.crt"] == Entry(
        target=f"/{PACKAGES}/certifi/cacert.pem"
    )


def test_client_is_where_python_looks_without_its_unwanted_half():
    client = layers(
        client=[
            f"{PACKAGES}/requests/api.py",
            f"{PACKAGES}/aiohttp/web.py",
            f"{PACKAGES}/requests-2.34.dist-info/RECORD",
            f"{PACKAGES}/requests-2.34.dist-info/METADATA",
        ]
    )[2]
    assert list(client) == [
        f"{PACKAGES}/requests/api.py",
        f"{PACKAGES}/requests-2.34.dist-info/METADATA",
        f"{PACKAGES}/zipped.zip",
        f"{PACKAGES}/zipped.pth",
    ]
    assert client[f"{PACKAGES}/zipped.pth"].content == (
        f"/{PACKAGES}/zipped.zip\n".encode()
    )


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
