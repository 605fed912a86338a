"""Say messages as `cluster.language` does: its catalogs have those of helpers, too."""

from cluster.language import (
    language as language,
    mark as mark,
    say as say,
    translate as translate,
)
