"""What the next start finds again, and bookmarks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lossviz.errors import InputError, LossvizError
from lossviz.viewer import bookmarks, config, memory
from lossviz.viewer.memory import Memory, Place
from lossviz.viewer.state import PanelState, ViewState
from lossviz.viewer.views import load_view, view_of_text


def view(azimuth):
    state = ViewState()
    state.camera.azimuth, state.camera.distance = azimuth, 4.0
    return state


def test_nothing_is_known_at_first_and_nothing_is_made(settings_folder):
    assert memory.load() == Memory()
    assert bookmarks.recall(1) is None
    assert not settings_folder.exists()


def test_it_comes_back_as_it_was(settings_folder):
    panels = PanelState(visible=False, turned=("Camera",))
    known = Memory(Place((800, 600), (-30, 40), maximized=True), panels)
    known = known.with_view(["/a/b.ply"], view(10.0)).with_view(
        ["/c.ply", "/\udcff.ply"], view(20.0)
    )
    memory.save(known)
    found = memory.load()
    assert found.place == known.place and found.panels == panels
    assert [one.files for one in found.recent] == [("/c.ply", "/\udcff.ply"), ("/a/b.ply",)]
    assert found.of(["/a/b.ply"]).state() == view(10.0)
    assert found.of(["/b.ply"]) is None
    assert [path.name for path in settings_folder.iterdir()] == ["session.json"]


def test_relative_names_are_the_same_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = Memory().with_view(["a.ply"], view(1.0))
    assert known.of([tmp_path / "a.ply"]) == known.recent[0]


def test_the_latest_files_are_first_and_the_oldest_go():
    known = Memory()
    for number in [*range(30), 25]:
        known = known.with_view([f"/{number}.ply"], view(float(number)))
    assert len(known.recent) == memory.MOST
    assert [one.files[0] for one in known.recent[:3]] == ["/25.ply", "/29.ply", "/28.ply"]


def test_a_view_without_end_is_not_remembered_but_its_files_are():
    state = ViewState()
    state.trajectories.hidden = tuple(f"{number:0100}" for number in range(9_000))
    known = Memory().with_view(["/a.ply"], state)
    memory.save(known)
    assert memory.load().of(["/a.ply"]).state() is None


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"\xff", b"5", b'{"lossviz_session": 2}', b'{"a": 1}', b"[" * 200_000,
     b" " * (config.LARGEST + 1)],
)  # fmt: skip
def test_a_damaged_file_is_told_in_a_line(settings_folder, content):
    settings_folder.mkdir()
    (settings_folder / memory.FILE).write_bytes(content)
    with pytest.raises(LossvizError, match=r"^session\.json: ") as caught:
        memory.load()
    assert "\n" not in str(caught.value)


ODD = [None, 5, "x", [], {}, [1], {"size": [1, 2]}, {"size": [1e9, 800]}, {"size": [True, False]},
       {"size": [800, 600], "at": [10**9, 0]}, [{"files": []}], [{"files": "a"}],
       [{"files": ["\x00"]}], [{"files": ["/a"], "view": {"lossviz_view": 7}}],
       {"visible": 5}, {"turned": [5]}]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["window", "panels", "recent"])
def test_odd_parts_are_left_out(settings_folder, name, odd):
    memory.save(Memory(Place((800, 600), (1, 2))).with_view(["/a.ply"], view(1.0)))
    values = json.loads((settings_folder / memory.FILE).read_text())
    values[name] = odd
    (settings_folder / memory.FILE).write_text(json.dumps(values))
    found = memory.load()
    assert found.place is None or found.place.size == (800, 600)
    assert found.place is None or found.place.at in ((1, 2), None)
    assert found.panels == PanelState()
    assert [one.state() for one in found.recent] in ([], [None], [view(1.0)])


def test_a_failed_write_is_told_and_keeps_the_file(settings_folder, monkeypatch):
    memory.save(Memory().with_view(["/a.ply"], view(1.0)))
    before = (settings_folder / memory.FILE).read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(LossvizError, match="No space left"):
        memory.save(Memory())
    assert (settings_folder / memory.FILE).read_bytes() == before
    assert len(list(settings_folder.iterdir())) == 1


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOSSVIZ_CONFIG_DIR", str(tmp_path / "file" / "x"))
    with pytest.raises(LossvizError, match="cannot be made"):
        memory.save(Memory())
    assert memory.load() == Memory()


def test_settings_are_where_the_system_keeps_them(monkeypatch):
    monkeypatch.delenv("LOSSVIZ_CONFIG_DIR")
    monkeypatch.setattr(
        "platformdirs.user_config_path", lambda name, appauthor: Path("/own") / name
    )
    assert config.folder() == Path("/own/lossviz")


def test_bookmarks_stay(settings_folder):
    bookmarks.keep(3, view(30.0))
    bookmarks.keep(1, view(10.0))
    bookmarks.keep(3, view(33.0))
    assert bookmarks.recall(3) == view(33.0) and bookmarks.recall(1) == view(10.0)
    assert bookmarks.recall(2) is None
    path = settings_folder / bookmarks.FILE
    path.write_text(json.dumps({"1": {"lossviz_view": 1, "camera": 5}, "x": 1}))
    with pytest.raises(LossvizError, match=r"bookmark 1: .*camera: expected an object"):
        bookmarks.recall(1)
    path.write_text("{")
    with pytest.raises(LossvizError, match=r"bookmarks\.json: expected JSON"):
        bookmarks.recall(1)
    bookmarks.keep(2, view(20.0))  # begins anew
    assert bookmarks.recall(2) == view(20.0) and bookmarks.recall(1) is None


def test_a_view_comes_from_text_a_path_or_a_uri(tmp_path):
    path = tmp_path / "a view.json"
    path.write_text(view(12.0).to_json())
    assert view_of_text(view(11.0).to_json()) == view(11.0)
    assert (
        view_of_text(f" {path}\n") == view_of_text(path.as_uri()) == load_view(path) == view(12.0)
    )
    for text in ("", "hello", str(tmp_path / "no.json"), "{", "file:///no.png", "x" * 10_000_000):
        with pytest.raises(InputError):
            view_of_text(text)


def test_panels_are_no_part_of_a_place():
    known = Memory().with_view(["/a.ply"], replace(ViewState(), panels=PanelState(visible=False)))
    memory.save(known)
    assert memory.load().panels.visible is True
