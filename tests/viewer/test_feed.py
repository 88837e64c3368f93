"""Files that change while they are shown."""

import time

import pytest

from lossviz import ply
from lossviz.viewer import feed as feed_module
from lossviz.viewer.feed import Feed

from .scenes import bumpy


@pytest.fixture
def shown(tmp_path, monkeypatch):
    monkeypatch.setattr(feed_module, "EVERY", 0.0)
    path = tmp_path / "a.ply"
    ply.write(bumpy(11), path)
    return path


def news_of(feed, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := feed.poll():
            return found
        time.sleep(0.01)
    return []


def test_nothing_new_says_nothing(shown):
    assert news_of(Feed([shown]), 0.1) == []


def test_a_rewritten_file_is_read_again(shown):
    woken = []
    feed = Feed([shown], wake=lambda: woken.append(True))
    ply.write(bumpy(13), shown)
    (news,) = news_of(feed)
    assert news.index == 0 and news.landscape.surface.shape == (13, 13) and woken
    assert news_of(feed, 0.1) == []


@pytest.mark.parametrize(
    "content", [b"", b"ply\nhalf", b"\0" * 100], ids=["empty", "half", "zeros"]
)
def test_a_broken_file_is_told_and_its_repair_is_read(shown, content):
    feed = Feed([shown])
    shown.write_bytes(content)
    (news,) = news_of(feed)
    assert news.landscape is None and "a.ply" in news.problem
    ply.write(bumpy(7), shown)
    (news,) = news_of(feed)
    assert news.landscape.surface.shape == (7, 7)


def test_a_vanished_file_is_told_once(shown):
    feed = Feed([shown])
    shown.unlink()
    (news,) = news_of(feed)
    assert "gone" in news.problem
    assert news_of(feed, 0.1) == []
