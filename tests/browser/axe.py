"""Violations that axe finds in a page, and those that are JupyterLab's own."""

from dataclasses import dataclass

from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS

#: Violations alone, as is the default: axe takes half as long again to describe what
#: passes, a megabyte for a lesson. Nor its `preload`: it asks for style sheets, some by
#: wrong addresses, and the console would have these as errors.
OPTIONS = {**DEFAULT_OPTIONS, "preload": False}

#: Impacts that axe ranks above moderate.
GRAVE = ("serious", "critical")

#: The rules whose answer depends on the theme.
OF_COLORS = ("color-contrast", "link-in-text-block")

#: Rule and a part of the element, for what axe finds in every notebook whatever is in
#: it, and whose it is. Nothing of a lesson or of a widget of ours belongs here.
FOREIGN_VIOLATIONS = {
    ("aria-input-field-name", 'class="cm-content"'): "JupyterLab: editors of cells",
    ("aria-required-children", "jp-WindowedPanel-viewport"): "JupyterLab: the feed",
    ("button-name", "jp-collapseHeadingButton"): "JupyterLab: folds a section",
    ("color-contrast", "jp-InputPrompt"): "JupyterLab: numbers of cells",
    ("color-contrast", 'class="ansi-'): "JupyterLab: colors of a traceback",
    ("color-contrast", 'class="ͼ'): "CodeMirror: numbers and names in code",
    ("link-in-text-block", '<a href="">'): "JupyterLab: paths in outputs",
    ("link-in-text-block", "jp-InternalAnchorLink"): "JupyterLab: marks of headings",
    ("link-in-text-block", 'rel="noopener"'): "JupyterLab: links in Markdown",
}


@dataclass(frozen=True)
class Violation:
    """A rule of axe that an element breaks; `cell` is its place, "" outside cells."""

    cell: str
    rule: str
    impact: str
    html: str

    @property
    def foreign(self) -> bool:
        return any(
            rule == self.rule and part in self.html for rule, part in FOREIGN_VIOLATIONS
        )
