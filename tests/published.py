"""Where the published nets and images are, on machines that have them: not ours to ship."""

import os
from pathlib import Path

import pytest

_FOLDER = os.environ.get("LOSSVIZ_PUBLISHED") or Path(__file__).parents[2] / "shared"


def published(*parts):
    """A file of the published material; without it the test is skipped, with the reason."""
    path = Path(_FOLDER).joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{'/'.join(parts)} is not here; LOSSVIZ_PUBLISHED names its folder")
    return path
