"""The user's own keys."""

import glfw
import pytest

from lossviz.viewer import commands, keys
from lossviz.viewer.commands import BINDINGS, Fit, Keep, NextColormap, Recall, Toggle, Undo
from lossviz.viewer.scrolling import Fingers, Scrolls
from lossviz.viewer.window import KEY_NAMES, key_name


def command(bindings, key, *, ctrl=False, shift=False):
    return commands.command_for(key, ctrl=ctrl, shift=shift, bindings=bindings)


def keys_of(bindings, says):
    return next(binding.keys for binding in bindings if binding.says == says)


def test_without_a_file_the_usual_keys(settings_folder):
    assert keys.load() == (BINDINGS, Scrolls(), [])
    assert not settings_folder.exists()


def test_a_file_changes_what_it_names(settings_folder):
    settings_folder.mkdir()
    (settings_folder / "keys.toml").write_text(
        '"isolines" = "j"\n"Show everything" = ["r", "ctrl + page up", "Esc"]\n'
        '"close this card, else the window" = []\n"undo a change of the view" = "Cmd+U"\n'
    )
    found, _, problems = keys.load()
    assert problems == []
    assert command(found, "J") == Toggle("isolines.surface") and command(found, "I") is None
    assert command(found, "PAGE_UP", ctrl=True) == command(found, "ESCAPE") == Fit()
    assert command(found, "U", ctrl=True) == Undo() and command(found, "Z", ctrl=True) is None
    assert [b.says for b in found] == [b.says for b in BINDINGS]
    assert command(found, "C") == NextColormap(1)  # others stay


def test_two_commands_change_places():
    found, problems = keys.rebound({"isolines": "F", "floor": "I"})
    assert problems == []
    assert command(found, "I") == Toggle("isolines.floor")
    assert command(found, "F") == Toggle("isolines.surface")


def test_a_clash_leaves_the_usual_key_and_is_told_once():
    found, problems = keys.rebound({"isolines": "R", "floor": "J"})
    assert problems == ["keys.toml: isolines: R is also the key of 'show everything'"]
    assert keys_of(found, "isolines") == ("I",) and keys_of(found, "floor") == ("J",)
    found, problems = keys.rebound({"isolines": "J", "floor": "J"})
    assert problems == ["keys.toml: floor: J is also the key of 'isolines'"]
    assert keys_of(found, "isolines") == ("J",) and keys_of(found, "floor") == ("F",)
    # Taking the one back makes another clash.
    found, problems = keys.rebound({"isolines": "F", "floor": "R"})
    assert len(problems) == 2 and found == BINDINGS
    found, problems = keys.rebound({"isolines": ["J", "J"]})
    assert problems == ["keys.toml: isolines: J is also the key of 'isolines'"]


@pytest.mark.parametrize(
    "words, value, told",
    [
        ("isoline", "J", "got isoline"), ("isolines", "Alt+J", "got Alt+J"),
        ("isolines", "Jot", "got Jot"), ("isolines", "", "expected a key"),
        ("isolines", 5, "got 5"), ("isolines", ["J", 5], "expected a key"),
        ("isolines", {"key": "J"}, "expected a key"), ("isolines", "Ctrl+", "got Ctrl+"),
        ("isolines", ["J"] * 9, "at most 8"), ("isolines", "\x1b", "got ?"),
        ("go to a bookmark", ["J"] * 9, "at most 8"), ("isolines", "LEFT_SHIFT", "LEFT_SHIFT"),
    ],
)  # fmt: skip
def test_odd_entries_are_told_in_a_line_and_the_others_count(words, value, told):
    found, (problem,) = keys.rebound({words: value, "floor": "J"})
    assert told in problem and "\n" not in problem and len(problem) < 300
    assert keys_of(found, "isolines") == ("I",) and keys_of(found, "floor") == ("J",)


@pytest.mark.parametrize(
    "content", [b"isolines = ", b"\xff\xfe", b"[" * 100_000, b"a = 1\n" * 10**6]
)
def test_a_damaged_file_is_told_in_a_line(settings_folder, content):
    settings_folder.mkdir()
    (settings_folder / "keys.toml").write_bytes(content)
    found, _, (problem,) = keys.load()
    assert found == BINDINGS
    assert problem.startswith("keys.toml: ") and "\n" not in problem and len(problem) < 300


def test_bookmarks_go_by_the_place_of_their_key():
    for number in range(1, 9):
        assert command(BINDINGS, f"F{number + 1}") == Recall(number)
        assert command(BINDINGS, f"F{number + 1}", shift=True) == Keep(number)
    found, _ = keys.rebound({"go to a bookmark": ["X", "Y"]})
    assert command(found, "Y") == Recall(2) and command(found, "F4") is None


def test_every_usual_key_is_a_key_that_glfw_has():
    for binding in BINDINGS:
        for key in binding.keys:
            assert key.rpartition("+")[2] in KEY_NAMES
        own = {binding.says: list(binding.keys)}
        assert keys.rebound(own) == (BINDINGS, [])  # the file can say what holds anyway


def test_keys_as_the_card_writes_them():
    assert keys.listed(("ESCAPE",)) == "Esc"
    assert keys.listed(("R", "HOME")) == "R or Home"
    assert keys.listed(("Ctrl+PAGE_UP",)) == "Ctrl+Page up"
    assert keys.listed(tuple(f"Shift+F{n}" for n in range(2, 10))) == "Shift+F2 … F9"
    assert keys.listed(("F2", "F3", "F4", "X", "F6", "F7")) == "F2 … F4 or X or F6 or F7"
    assert keys.listed(()) == ""
    assert keys.of(BINDINGS, Fit()) == "R"
    assert keys.of(keys.rebound({"show everything": []})[0], Fit()) == ""


def test_scrolling_is_chosen_beside_the_keys(settings_folder):
    settings_folder.mkdir()
    (settings_folder / "keys.toml").write_text(
        '"Two fingers" = "Move"\n"wheel" = "turn"\n"isolines" = "J"\n'
    )
    found, scrolls, problems = keys.load()
    assert problems == [] and keys_of(found, "isolines") == ("J",)
    assert scrolls == Scrolls("turn", "move")
    assert scrolls.rows()[:2] == (("wheel", "turn"), ("two fingers", "move"))
    (settings_folder / "keys.toml").write_text('"wheel" = "fly"\n"two fingers" = ["zoom"]\n')
    found, scrolls, problems = keys.load()
    assert (found, scrolls) == (BINDINGS, Scrolls())
    assert problems == [
        "keys.toml: wheel: expected one of zoom, turn, move, got 'fly'",
        "keys.toml: two fingers: expected one of zoom, turn, move, got ['zoom']",
    ]


def test_what_scrolling_does_with_keys_held():
    own = Scrolls()
    assert own.action(False, ctrl=False, shift=False) == "zoom"
    assert own.action(True, ctrl=False, shift=False) == "turn"
    for fingers in (False, True):
        assert own.action(fingers, ctrl=False, shift=True) == "move"
        assert own.action(fingers, ctrl=True, shift=False) == "zoom"


def test_fractions_are_two_fingers_for_as_long_as_the_gesture_lasts():
    fingers = Fingers()
    assert not fingers.are(0.0, 1.0, 0.0) and not fingers.are(0.0, -3.0, 0.1)
    assert fingers.are(0.0, 0.1, 1.0)
    assert fingers.are(0.0, 1.0, 1.2) and fingers.are(-1.0, 0.0, 1.4)  # whole by chance
    assert not fingers.are(0.0, 1.0, 2.0)
    assert fingers.are(0.3, 0.0, 3.0)


# ── keyboards ────────────────────────────────────────────────────────────────────────────────────

# What the keys of the US keyboard write on others, row by row.
US = "qwertyuiop[]asdfghjkl;'zxcvbnm,./"
KEYBOARDS = {
    "US": US,
    "AZERTY": "azertyuiop^$qsdfghjklmùwxcvbn,;:!",
    "Dvorak": "',.pyfgcrl/=aoeuidhtns-;qjkxbmwvz",
    "Russian": "йцукенгшщзхъфывапролджэячсмитьбю.",
    "Greek": ";ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,./",
    "Hebrew": "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.",
    "none": [None] * len(US),
}


@pytest.fixture(params=KEYBOARDS)
def keyboard(request, monkeypatch):
    """The keys by what they write; other keys write nothing that counts."""
    keys = [ord(sign.upper()) for sign in US]
    writes = dict(zip(keys, KEYBOARDS[request.param], strict=True))
    monkeypatch.setattr(glfw, "get_key_name", lambda key, code: writes.get(key, "&"))
    return request.param, writes


def test_every_letter_is_one_key_of_every_keyboard(keyboard):
    _, writes = keyboard
    names = [key_name(key) for key in writes]
    letters = [name for name in names if name.isascii() and len(name) == 1 and name.isalpha()]
    assert sorted(letters) == [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    for key, sign in writes.items():
        if sign and sign.isascii() and sign.isalpha():
            assert key_name(key) == sign.upper()


def test_letters_that_a_keyboard_does_not_write_are_where_they_are_on_the_us_one(keyboard):
    name, _ = keyboard
    if name not in ("AZERTY", "Dvorak"):
        assert [key_name(glfw.KEY_A + k) for k in range(26)] == [chr(65 + k) for k in range(26)]
        assert command(BINDINGS, key_name(glfw.KEY_Z), ctrl=True, shift=False) == Undo()
        assert (key_name(glfw.KEY_COMMA), key_name(glfw.KEY_SEMICOLON)) == ("COMMA", "SEMICOLON")
    elif name == "AZERTY":
        assert (key_name(glfw.KEY_SEMICOLON), key_name(glfw.KEY_M)) == ("M", ",")
        assert command(BINDINGS, key_name(glfw.KEY_SEMICOLON)) == Toggle("marks.shown")


def test_other_keys_go_by_their_place(keyboard):
    for key, name in ((glfw.KEY_1, "1"), (glfw.KEY_KP_7, "7"), (glfw.KEY_F5, "F5"),
                      (glfw.KEY_HOME, "HOME"), (glfw.KEY_EQUAL, "EQUAL"),
                      (glfw.KEY_SPACE, "SPACE"), (glfw.KEY_UNKNOWN, "UNKNOWN")):  # fmt: skip
        assert key_name(key) == name
    assert key_name(123456) == ""
