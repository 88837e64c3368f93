"""What the tests of pictures share."""

import pytest

from lossviz.viewer.picture import Picture


@pytest.fixture
def picture(ctx):
    made = Picture(ctx)
    yield made
    made.release()
