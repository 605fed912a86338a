"""JupyterLab starts alike in a checkout and from the installed program."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.services.config.manager import ConfigManager

from helpers.course import copies, lab


def options(*given, **env):
    return lab.command(Path("lessons"), given, env)


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_a_browser_is_opened_where_there_is_a_screen(variable):
    assert "--no-browser" in options()
    assert "--no-browser" in options(**{variable: ""})
    assert "--no-browser" not in options(**{variable: ":0"})


@pytest.mark.parametrize(("user", "told"), [(0, True), (1000, False)])
def test_root_is_told_to_jupyter_and_nobody_else(monkeypatch, user, told):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in options()) == told


def test_kernels_and_terminals_are_as_the_learner_has_them():
    assert "--KernelManager.transport_encryption=auto" in options()
    given = "--ServerApp.terminado_settings=shell_command="
    assert f"{given}/bin/zsh" in options(SHELL="/bin/zsh")
    assert f"{given}sh" in options() and f"{given}sh" in options(SHELL="")


def test_nothing_of_jupyterlabs_own_comes_after_the_address_unless_it_is_asked_for():
    quiet = "--Application.log_level=WARN"
    assert quiet in options()
    for asked in ("--debug", "--ServerApp.log_level=INFO", "--log-level=INFO"):
        assert quiet not in options(asked)


@pytest.mark.parametrize("option", ["--notebook-dir=/", "--LabApp.default_url=/lab"])
def test_no_option_comes_twice(option):
    assert not [w for w in options(option) if "root_dir" in w]
    assert options(option)[-2:] == [option, "lessons/00-start-here.ipynb"]


def test_the_first_lesson_is_one_that_is_there(tmp_path):
    korean = tmp_path / "ko" / "00-start-here.ipynb"
    for language, there, page in (
        ("ko", False, "00-start-here.ipynb"),
        ("ko", True, "ko/00-start-here.ipynb"),
        ("ko_KR", True, "ko/00-start-here.ipynb"),
        ("fr", True, "00-start-here.ipynb"),
    ):
        if there:
            korean.parent.mkdir(exist_ok=True)
            korean.touch()
        words = lab.command(tmp_path, (), {"LAB_LANG": language})
        assert f"--LabApp.default_url=/lab/tree/{page}" in words
        assert words[-1] == str(tmp_path / page)
    words = lab.command(tmp_path, (), {"LANG": "ko_KR.UTF-8"})
    assert words[-1] == str(korean)


@pytest.mark.parametrize(
    ("env", "locale"),
    [
        ({"LAB_LANG": "ko"}, "ko_KR"),
        ({"LANG": "ko_KR.UTF-8"}, "ko_KR"),
        ({"LAB_LANG": "en", "LANG": "ko_KR.UTF-8"}, None),
        ({}, None),
    ],
)
def test_menus_are_in_the_language_of_the_lessons(tmp_path, monkeypatch, env, locale):
    """By Jupyter's own way of reading settings; a learner's own path stays."""
    for name in ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (env | {"JUPYTER_CONFIG_PATH": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    cluster = SimpleNamespace(kubeconfig=Path("/x"), binaries=lambda: None)
    path = lab.environment(cluster)["JUPYTER_CONFIG_PATH"]
    assert path.split(":")[-1] == str(tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", path)
    found = ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")
    translation = found.get("@jupyterlab/translation-extension:plugin", {})
    assert translation.get("locale") == locale


@pytest.mark.parametrize("binaries", [Path("/bin/x"), None])
def test_terminals_find_kubectl_and_the_program(monkeypatch, binaries):
    """Neither that of a checkout nor that of uvx is in PATH before."""
    monkeypatch.setenv("PATH", "/usr/bin")
    cluster = SimpleNamespace(kubeconfig=Path("/a b/c"), binaries=lambda: binaries)
    env = lab.environment(cluster)
    assert env["PATH"].split(":") == [
        *([str(binaries)] if binaries else []),
        str(Path(sys.executable).parent),
        "/usr/bin",
    ]
    assert env["KUBECONFIG"] == "/a b/c"


def test_a_checkout_is_opened_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lab.lessons_here().resolve() == lab.NOTEBOOKS
    assert list(tmp_path.iterdir()) == []


def test_the_installed_program_opens_its_copy(tmp_path, monkeypatch, capsys):
    """Also when it is started in that copy: there is no copy in a copy."""
    monkeypatch.setattr(lab, "INSTALLED", True)
    monkeypatch.chdir(tmp_path)
    assert lab.lessons_here() == Path("kubernetes-api-notebooks")
    copy = tmp_path / "kubernetes-api-notebooks"
    assert capsys.readouterr().err == f"the lessons are in {copy}\n"
    monkeypatch.chdir(copy)
    (copy / "cheatsheet.md").write_text("mine")
    sums = (copy / copies.SUMS).read_text().splitlines()
    older = [line for line in sums if '"cheatsheet.md"' not in line]
    (copy / copies.SUMS).write_text("\n".join(older))
    assert lab.lessons_here() == Path()
    assert capsys.readouterr().err == (
        "you have changed cheatsheet.md; the newer one is cheatsheet.new.md beside it\n"
        f"the lessons are in {copy}\n"
    )
    assert not (copy / "kubernetes-api-notebooks").exists()
