"""`make lint` finds faults of Go, JavaScript and CSS, and says what it lacks."""

import shutil

import pytest

from tools import lint

GO = "package a\n\nfunc a() int { return 1 }\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return an empty directory instead of the checkout, on a person's machine."""
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    for name in ("CI", "LINT_WITHOUT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def lines(capsys):
    """Return the exit code, and what is printed without the path of the directory."""
    code = lint.main()
    printed = capsys.readouterr()
    return code, printed.out.replace(f"{lint.ROOT}/", "").splitlines(), printed.err


@pytest.mark.parametrize("name", ["a.go", "deep/a.js", "a.ts", "a.css"])
def test_a_line_has_at_most_100_columns(place, capsys, name):
    file = place / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"// {'a' * 97}\n// {'a' * 98}\n// {'a' * 60} https://{'a' * 90}\n")
    assert [*lint.long_lines(file)] == [f"{file}:2: 101 columns, at most 100"]
    code, printed, _ = lines(capsys)
    assert code == 1 and f"{name}:2: 101 columns, at most 100" in printed


def test_a_tab_has_four_columns(place):
    (place / "a.go").write_text(f"\t\t// {'a' * 90}\n")
    assert len([*lint.long_lines(place / "a.go")]) == 1


def test_what_others_wrote_or_a_program_made_is_not_read(place):
    for name in ("vendor/a.go", ".venv/a.js", "build/a.css", "tab/node_modules/a.js"):
        (place / name).parent.mkdir(parents=True)
        (place / name).touch()
    (place / "tab/a.js").touch()
    assert lint.sources(place, ".go", ".js", ".css") == [place / "tab/a.js"]


def test_gofmt_is_found_beside_a_go_that_is_a_link(place, monkeypatch):
    root, programs = place / "go/bin", place / "bin"
    for folder in (root, programs):
        folder.mkdir(parents=True)
    for name in ("go", "gofmt"):
        (root / name).touch(0o755)
    (programs / "go").symlink_to(root / "go")
    monkeypatch.setenv("PATH", str(programs))
    assert lint.find_gofmt() == str(root / "gofmt")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (GO.replace("int { ", "int   {"), "a.go: not as gofmt writes it. "),
        (GO.replace("return 1", "return )"), "a.go:3:"),
    ],
)
def test_gofmt_judges_go(place, capsys, source, line):
    if not lint.find_gofmt():
        pytest.skip("no Go here")
    (place / "a.go").write_text(GO)
    assert lines(capsys)[:2] == (0, [])
    (place / "a.go").write_text(source)
    code, printed, _ = lines(capsys)
    assert code == 1 and printed[0].startswith(line)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"use strict";\nconst a = 1;\n', "const a = 1;\nconst b = ;\n"),
        ("export default { a: 1 };\n", "export default {\n  a: ;\n};\n"),
    ],
    ids=["script", "module"],
)
def test_node_parses_scripts_and_modules(place, capsys, good, bad):
    if not shutil.which("node"):
        pytest.skip("Node is not here")
    (place / "a.js").write_text(good)
    assert lines(capsys)[:2] == (0, [])
    (place / "a.js").write_text(bad)
    assert lines(capsys)[:2] == (1, ["a.js:2: SyntaxError: Unexpected token ';'"])


def test_a_machine_without_go_and_node_is_told_and_ci_fails(place, capsys, monkeypatch):
    monkeypatch.setattr(lint, "find_gofmt", lambda: "")
    monkeypatch.setenv("PATH", str(place))
    (place / "a.js").write_text("const a = ;\n")
    told = "Not checked, as it is not here: gofmt, node.\n"
    assert lines(capsys) == (0, [], told)
    monkeypatch.setenv("CI", "true")
    assert lines(capsys) == (1, [], told)
    monkeypatch.setenv("LINT_WITHOUT", "node")
    assert lines(capsys) == (1, [], told)
    # A job that has linted elsewhere says so by the names.
    monkeypatch.setenv("LINT_WITHOUT", "gofmt node")
    assert lines(capsys) == (0, [], told)


def test_this_checkout_has_sources_of_each_kind():
    for ending in (".go", ".js", ".css"):
        assert len(lint.sources(lint.ROOT, ending)) > 1, ending
