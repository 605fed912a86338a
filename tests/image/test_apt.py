"""What of a machine's apt configuration goes into the image's."""

from cluster.image import apt

DEBIAN = {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"}
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
TARGETS = f"""\
http://mirror.test/debian/|bookworm|main|{KEYS}
http://mirror.test/debian/|bookworm-updates|main|{KEYS}
http://mirror.test/debian/|bookworm-backports|main|{KEYS}
http://mirror.test/security/|bookworm-security|main|$(SIGNED_BY)
http://browser.test/|stable|main|/etc/apt/keyrings/browser.gpg
http://database.test/|bookworm-pgdg|main|/etc/apt/keyrings/database.gpg
"""


def test_only_the_distributions_own_sources_are_taken():
    found = apt.sources(TARGETS, DEBIAN)
    assert found.suite == "bookworm"
    assert found.lines == (
        f"deb [signed-by={KEYS}] http://mirror.test/debian/ bookworm main",
        f"deb [signed-by={KEYS}] http://mirror.test/debian/ bookworm-updates main",
        "deb http://mirror.test/security/ bookworm-security main",
    )


def test_nothing_switches_the_check_of_signatures_off():
    assert "trusted" not in "".join(apt.sources(TARGETS, DEBIAN).lines)
    assert "TRUSTED" not in apt.TARGET_FORMAT


def test_derivative_uses_the_suite_of_what_it_derives_from():
    mint = {"VERSION_CODENAME": "virginia", "UBUNTU_CODENAME": "jammy"}
    targets = (
        "http://mirror.test/ubuntu/|jammy|main|\nhttp://mint.test/|virginia|main|\n"
    )
    found = apt.sources(targets, mint)
    assert found.suite == "jammy"
    assert found.lines == ("deb http://mirror.test/ubuntu/ jammy main",)


def test_unstable_goes_by_the_name_that_its_sources_use():
    found = apt.sources(
        "http://mirror.test/debian/|sid|main|\n", {"VERSION_CODENAME": "forky"}
    )
    assert found == apt.Sources("sid", ("deb http://mirror.test/debian/ sid main",))


def test_key_written_out_in_the_source_is_not_passed_on_as_a_path():
    inline = "http://mirror.test/debian/|bookworm|main|-----BEGIN PGP\n mQINBF\n"
    found = apt.sources(inline, DEBIAN)
    assert found.lines == ("deb http://mirror.test/debian/ bookworm main",)


def test_machine_without_sources_leaves_the_choice_to_the_tool():
    assert apt.sources("", DEBIAN) == apt.Sources("bookworm")
    assert apt.sources("", {}) == apt.Sources("stable")


def test_options_are_those_of_fetching():
    dump = """\
APT::Architecture "amd64";
Acquire "";
Acquire::Changelogs::URI::Origin::Debian "https://changes.test";
Acquire::Check-Valid-Until "false";
Acquire::Languages:: "none";
Acquire::http::Proxy "http://user:word@proxy.test:3128";
Acquire::https::CaInfo "/etc/ssl/own.pem";
Acquire::Retries "5";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
"""
    assert apt.options(dump) == (
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::http::Proxy "http://user:word@proxy.test:3128";\n'
        'Acquire::https::CaInfo "/etc/ssl/own.pem";\n'
        'Acquire::Retries "5";\n'
    )
