"""The shell, curl, jq and others do as the system's own, and stay in their machine."""


def test_they_do_as_the_systems_own(go):
    """Units, and tables of lines that both answer: output and exit code are equal."""
    tested = go("test", "-vet=all", "-count=1", "./programs")
    assert tested.returncode == 0, tested.stdout + tested.stderr
