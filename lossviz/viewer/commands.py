"""What a panel or a key asks of the window, as plain values; and the keys. ``app.py`` obeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Fit:
    """Show everything."""


@dataclass(frozen=True)
class Look:
    """Look from a direction, in degrees."""

    azimuth: float
    elevation: float
    orthographic: bool = False  # True: from there on without perspective


@dataclass(frozen=True)
class Toggle:
    """Switch a boolean of the view: "isolines.surface"."""

    place: str


@dataclass(frozen=True)
class NextColormap:
    """The next colour map, or with -1 the one before."""

    step: int = 1


@dataclass(frozen=True)
class NextScale:
    """Heights, colours and isolines: logarithmic, or linear if they are logarithmic now."""


@dataclass(frozen=True)
class NextArrangement:
    """Several landscapes side by side, in one frame, or left and right of a divider."""


@dataclass(frozen=True)
class LinkCameras:
    """One camera for all landscapes, or each its own."""


@dataclass(frozen=True)
class AddDifference:
    """One landscape minus another as a further one."""


@dataclass(frozen=True)
class Screenshot:
    """Take a picture into a file; ``each``: one of each landscape, all in the same view."""

    each: bool = False


@dataclass(frozen=True)
class SaveProfile:
    """The profiles of the slices into a file."""


@dataclass(frozen=True)
class CopyView:
    """The view as text into the clipboard."""


@dataclass(frozen=True)
class CopyPlace:
    """The command that writes the weights at a place into the clipboard."""

    place: int | None = None  # the number of a label; None: where the pointer is


@dataclass(frozen=True)
class PasteView:
    """The view from the clipboard."""


@dataclass(frozen=True)
class ResetView:
    """Everything as at the start."""


@dataclass(frozen=True)
class Undo:
    """The view before the last change."""


@dataclass(frozen=True)
class Redo:
    """The view that was undone last."""


@dataclass(frozen=True)
class Recall:
    """The view that was kept under a number."""

    slot: int = 1


@dataclass(frozen=True)
class Keep:
    """Keep the view under a number."""

    slot: int = 1


@dataclass(frozen=True)
class OpenFiles:
    """Show other files, as they were seen last."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class AskFiles:
    """Let the system's dialog ask for files to open."""


@dataclass(frozen=True)
class AskFolder:
    """Let the system's dialog ask for a folder to show as a gallery."""


@dataclass(frozen=True)
class ShowGallery:
    """The gallery, of the shown file's folder if there is none yet; or back to the picture."""


@dataclass(frozen=True)
class OpenChosen:
    """Open what is chosen in the gallery."""


@dataclass(frozen=True)
class ForgetFiles:
    """Empty the list of recent files."""


@dataclass(frozen=True)
class StopComputation:
    """End the computation in a folder as Ctrl-C does."""

    folder: Path


@dataclass(frozen=True)
class HideComputation:
    """Tell no more of a computation that has ended."""

    folder: Path


@dataclass(frozen=True)
class CopyText:
    """A text into the clipboard, and a line that says so."""

    text: str
    says: str


@dataclass(frozen=True)
class Close:
    """Close the window."""


@dataclass(frozen=True)
class Leave:
    """Close an open list, else the help card, else a gallery over a picture, else the window."""


Command = (
    Fit | Look | Toggle | NextColormap | NextScale | NextArrangement | LinkCameras | AddDifference
    | Screenshot | SaveProfile | CopyView | CopyPlace | PasteView
    | ResetView | Undo | Redo | Recall | Keep | OpenFiles | AskFiles | AskFolder
    | ShowGallery | OpenChosen | ForgetFiles | StopComputation | HideComputation | CopyText | Close
    | Leave
)  # fmt: skip


@dataclass(frozen=True)
class Binding:
    """Keys (GLFW's names, with Ctrl+ or Shift+ before) that give a command.

    The keys of a bookmark command are those of bookmark 1, 2 and so on.
    """

    keys: tuple[str, ...]
    command: Command
    says: str  # on the help card; in the file of keys it is the name

    def given_by(self, key: str) -> Command:
        """The command of one of the keys."""
        if isinstance(self.command, Recall | Keep):
            return replace(self.command, slot=self.keys.index(key) + 1)
        return self.command


_BOOKMARKS = tuple(f"F{number}" for number in range(2, 10))

# The help card prints this table and the key handler searches it, after keys.py has put the user's
# own keys into it.
BINDINGS: tuple[Binding, ...] = (
    Binding(("R", "HOME"), Fit(), "show everything"),
    Binding(("1",), Look(-90, 0), "from the front"),
    Binding(("3",), Look(0, 0), "from the right"),
    Binding(("7",), Look(-90, 90, orthographic=True), "from above, as a map"),
    Binding(("5",), Toggle("camera.orthographic"), "perspective or orthographic"),
    Binding(("L",), NextScale(), "logarithmic or linear"),
    Binding(("I",), Toggle("isolines.surface"), "isolines"),
    Binding(("F",), Toggle("isolines.floor"), "floor"),
    Binding(("T",), Toggle("trajectories.shown"), "trajectories"),
    Binding(("SPACE",), Toggle("panels.playing"), "play or pause the trajectories"),
    Binding(("G",), Toggle("critical.shown"), "critical points"),
    Binding(("D",), Toggle("critical.lines"), "lines of steepest descent"),
    Binding(("S",), Toggle("slice.shown"), "slice"),
    Binding(("M",), Toggle("marks.shown"), "marks"),
    Binding(("W",), Toggle("surface.wire"), "the computed grid"),
    Binding(("A",), Toggle("axes.axes"), "axes"),
    Binding(("V",), NextArrangement(), "side by side, overlaid, or swiped"),
    Binding(("O",), LinkCameras(), "one camera for all, or one each"),
    Binding(("C",), NextColormap(1), "next colour map"),
    Binding(("Shift+C",), NextColormap(-1), "colour map before"),
    Binding(("P",), Screenshot(), "picture into a file"),
    Binding(("Ctrl+O",), AskFiles(), "open files"),
    Binding(("Ctrl+Shift+O",), AskFolder(), "open a folder as a gallery"),
    Binding(("BACKSPACE",), ShowGallery(), "to the gallery and back"),
    Binding(("ENTER",), OpenChosen(), "open what is chosen there"),
    Binding(("TAB",), Toggle("panels.visible"), "panels"),
    Binding(("H", "F1"), Toggle("panels.help"), "this card"),
    Binding(("Ctrl+C",), CopyView(), "copy the view as text"),
    Binding(("Ctrl+Shift+C",), CopyPlace(), "copy the command for the weights here"),
    Binding(("Ctrl+V",), PasteView(), "paste a view"),
    Binding(("Ctrl+Z",), Undo(), "undo a change of the view"),
    Binding(("Ctrl+Shift+Z", "Ctrl+Y"), Redo(), "redo it"),
    Binding(_BOOKMARKS, Recall(), "go to a bookmark"),
    Binding(tuple(f"Shift+{key}" for key in _BOOKMARKS), Keep(), "keep the view as a bookmark"),
    Binding(("ESCAPE",), Leave(), "close this card, else the window"),
    Binding(("Q",), Close(), "close the window"),
)
MOUSE = (
    ("left drag", "turn"),
    ("right drag, Shift + left drag", "move"),
    ("middle click", "turn around this point"),
    ("double click", "fly to this point"),
    ("click on a critical point", "fly to it"),
    ("click on the surface", "label, or take it away"),
    ("drag the slice's frame", "move the slice"),
    ("drag the divider", "swipe between two landscapes"),
    ("Shift + double click", "drop a ball: steepest descent"),
    ("Ctrl + click on a slider", "type its value"),
    ("drop files or a folder", "open them"),
    ("drop a picture", "take its view"),
    ("Ctrl + click in a gallery", "choose several to compare"),
)


def command_for(
    key: str, *, ctrl: bool, shift: bool, bindings: Sequence[Binding] = BINDINGS
) -> Command | None:
    """The command of a key press, by the key's name."""
    name = ("Ctrl+" if ctrl else "") + ("Shift+" if shift else "") + key
    return next((binding.given_by(name) for binding in bindings if name in binding.keys), None)
