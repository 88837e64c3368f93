"""How the picture looks: one mutable ViewState of plain numbers, strings and booleans.

Panels and input handlers write it, everything else reads it. As it is plain data, a view is JSON:
it can be stored in a picture, copied, undone, and written down in a test.
"""

from __future__ import annotations

import json
import math
from dataclasses import Field, asdict, dataclass, field
from typing import Any, Self

from lossviz.errors import InputError

SCALES = ("auto", "linear", "log")
THEMES = ("light", "dark", "paper")
LABELLED = ("nowhere", "floor", "surface", "both")
BANDS = ("off", "isolines", "steps")
VISIONS = ("full", "deuteranopia", "protanopia", "tritanopia", "grey")
PATH_COLORS = ("auto", "step", "loss", "off_plane", "run")
SMALLEST_PICTURE, LARGEST_PICTURE = 16, 8192  # pixels a side
MOST_HIDDEN = 10_000  # names in a list
ARRANGEMENTS = ("grid", "overlay", "swipe")
MOST_LANDSCAPES = 100  # that a view tells of
SLICES = ("alpha", "beta", "angle", "level")
SLICE_MODES = ("cut", "clip")
MOST_STARTS = 100
MOST_PINNED = 20
LONGEST_NAME = 200

PASSING = {"passing": True}  # metadata of fields that undo leaves as they are

Start = tuple[int, float, float]  # the number of a landscape, alpha, beta
Pair = tuple[int, int]  # the numbers of two landscapes


@dataclass
class SurfaceState:
    """The mesh: what is its height, what is its colour, and on which scales."""

    height: str = "loss"
    color: str = "loss"
    height_scale: str = "auto"  # of SCALES; auto: log where loss > 0 and max/min > 100
    height_range: tuple[float, float] | None = None  # None: of the data, all landscapes together
    cap: float | None = None  # heights above are drawn as a plateau; None: no cap
    height_ratio: float = 0.55  # height of the surface over its width
    colormap: str = "coolwarm"
    reverse: bool = False
    color_scale: str = "auto"
    color_range: tuple[float, float] | None = None  # None: of the data, all landscapes together
    # The range by percentiles of the data, where none is given by hand; None: from end to end.
    color_percentiles: tuple[float, float] | None = None
    bands: str = "off"  # of BANDS; colours in steps: between isolines, or 1-2-5 steps of their own
    band_steps: int = 8  # about how many, of steps of their own
    shared_scale: bool = True  # several landscapes on one height and colour scale
    smooth: bool = True  # bicubic between the grid points; else straight
    light: float = 1.0  # strength of the shading, 0: none
    occlusion: float = 1.0  # strength of the ambient occlusion, 0: none
    shadow: float = 0.0  # strength of the surface's soft shadow on the floor, 0: none
    rim: bool = True  # a line along the surface's border and outline
    wire: bool = False  # the computed grid as lines


@dataclass
class IsolineState:
    """Lines of equal height quantity (as on a map), on the surface and on the floor."""

    surface: bool = True
    floor: bool = True  # also draws the floor plane itself
    spacing: str = "auto"  # of SCALES; auto: as the heights
    count: int = 20  # about how many levels; the spacing is a 1-2-5 step
    width: float = 1.0  # in points
    opacity: float = 0.85
    labels: str = "floor"  # of LABELLED: where the strong lines have their numbers


@dataclass
class TrajectoryState:
    """Paths over the surface: trajectories, and curves that lie in its plane."""

    shown: bool = True
    color: str = "auto"  # of PATH_COLORS; auto: by run where there are several, else by step
    colormap: str = "viridis"
    width: float = 3.0  # in points
    tubes: bool = True  # round and lit, thinner farther away; else flat lines
    floor: bool = True  # also where they run over the floor
    true_loss: bool = False  # also at each step's own loss, with lines down to the surface
    # Trajectories are drawn up to this share of their steps; it goes on by itself.
    played: float = field(default=1.0, metadata=PASSING)
    seconds: float = 10.0  # that playing them from the first to the last step takes
    repeat: bool = False  # played again and again; else once
    hidden: tuple[str, ...] = ()  # names of those that are not drawn, curves of figures too


@dataclass
class CurveState:
    """Curves of a landscape without a surface, drawn as a figure."""

    scale: str = "auto"  # of SCALES, of the losses
    accuracy: bool = True  # on an axis at the right
    spread: bool = True  # a band around the mean of several
    width: float = 1.8  # in points


@dataclass
class MarkState:
    """Named places on the surface."""

    shown: bool = True
    names: bool = True


@dataclass
class CriticalState:
    """Critical points of the slice, and its lines of steepest descent."""

    shown: bool = True
    persistence: float | None = None  # the least that is shown; None: what stands out, of each
    confidence: float = 0.0  # the least that is shown, of those of which it is known
    border: bool = False  # also the window's own extrema, which are none of the loss
    size: float = 4.5  # radius in points
    lines: bool = True
    width: float = 1.2  # of the lines, in points
    basins: bool = False  # a tint for each basin of attraction, and the borders between them
    starts: tuple[Start, ...] = ()  # of lines that were asked for by hand


@dataclass(frozen=True)
class Cut:
    """A plane through the surface: upright along a direction, or level.

    ``at`` is beta along alpha, alpha along beta, -sin(angle) alpha + cos(angle) beta along an
    angle, and of one that is level a value of the height's quantity.
    """

    name: str = ""
    along: str = "alpha"  # of SLICES
    angle: float = 45.0  # degrees from +alpha to +beta, of "angle" alone
    at: float = 0.0


@dataclass
class SliceState:
    """A plane that cuts the surface, and profiles that are kept."""

    shown: bool = False
    along: str = "alpha"  # of SLICES
    angle: float = 45.0  # degrees from +alpha to +beta, of "angle" alone
    offset: float | None = None  # of an upright plane, as Cut.at; None: through the middle
    level: float | None = None  # of a level one; None: half way up
    mode: str = "cut"  # of SLICE_MODES; clip: what is nearer than the plane is not drawn
    # alpha, beta of the profile's crosshair
    marker: tuple[float, float] | None = field(default=None, metadata=PASSING)
    pinned: tuple[Cut, ...] = ()


@dataclass
class LabelState:
    """Places that were clicked on, with what is there."""

    shown: bool = True
    places: tuple[Start, ...] = ()


@dataclass
class AxesState:
    """What frames the picture."""

    axes: bool = True
    color_bar: bool = True
    title: bool = True
    legend: bool = True


@dataclass
class CameraState:
    """Looks from ``distance`` at ``target``, in scene units (the surface is 2 wide, z up).

    ``distance`` 0 means: as far as everything fits, decided when it is drawn.
    """

    azimuth: float = -60.0  # degrees, 0: from +alpha, counter-clockwise seen from above
    elevation: float = 38.0  # degrees, 90: from above
    distance: float = 0.0
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fov: float = 32.0  # degrees, over the smaller side of the viewport
    orthographic: bool = False


@dataclass
class CompareState:
    """How several landscapes share the picture."""

    arrangement: str = "grid"  # of ARRANGEMENTS: side by side, in one frame of axes, left and right
    # Numbers of landscapes: left in a swipe, solid in an overlay, what the next difference is of;
    # right in a swipe, what is subtracted.
    first: int = 0
    second: int = 1
    divider: float = 0.5  # of a swipe, from the left
    veil: float = 0.08  # opacity of an overlay's meshes between their lines
    linked: bool = True  # one camera for all; else each its own
    handled: int = 0  # whose camera ViewState.camera is where they are not linked
    cameras: tuple[CameraState, ...] = ()  # of all the others then, by their numbers
    differences: tuple[Pair, ...] = ()  # more landscapes, each one of the files minus another


@dataclass
class PictureState:
    """How a screenshot is taken."""

    theme: str = "light"
    width: int = 2560
    height: int = 1440
    scale: float = 0.0  # pixels a point, for text and lines; 0: in proportion to the height
    dpi: float = 0.0  # pixels an inch, for who prints it; 0: not said
    supersample: int = 2
    transparent: bool = False
    panels: bool = False
    vision: str = "full"  # of VISIONS: the window's picture as others see it, a preview


@dataclass
class PanelState:
    """What of the panels is open; not part of the picture."""

    visible: bool = True
    help: bool = False
    turned: tuple[str, ...] = ()  # sections that are folded where they were open at first, or back
    reading: bool = True  # what is under the pointer, in a corner
    playing: bool = False  # trajectories are drawn up to a step that goes on with the clock


@dataclass
class ViewState:
    """Everything that decides how given landscapes look."""

    surface: SurfaceState = field(default_factory=SurfaceState)
    isolines: IsolineState = field(default_factory=IsolineState)
    trajectories: TrajectoryState = field(default_factory=TrajectoryState)
    curves: CurveState = field(default_factory=CurveState)
    marks: MarkState = field(default_factory=MarkState)
    critical: CriticalState = field(default_factory=CriticalState)
    slice: SliceState = field(default_factory=SliceState)
    labels: LabelState = field(default_factory=LabelState)
    axes: AxesState = field(default_factory=AxesState)
    camera: CameraState = field(default_factory=CameraState)
    compare: CompareState = field(default_factory=CompareState)
    picture: PictureState = field(default_factory=PictureState)
    panels: PanelState = field(default_factory=PanelState, metadata=PASSING)

    @property
    def has_one_scale(self) -> bool:
        """Whether all heights and colours are on one scale; in one frame of axes they must be."""
        return self.surface.shared_scale or self.compare.arrangement != "grid"

    def to_json(self) -> str:
        """The view as JSON text; ``from_json`` gives an equal state back."""
        return json.dumps({"lossviz_view": 1, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a view; keys it does not know are left out, keys it misses keep their defaults.

        Raises
        ------
        InputError
            If the text is no JSON, no view, or a value has the wrong type or range.
        """
        try:
            values = json.loads(text[: 1 << 20])
        except (ValueError, RecursionError) as error:
            raise InputError(f"view state: expected JSON, got something else: {error}") from None
        if not isinstance(values, dict) or values.get("lossviz_view") != 1:
            raise InputError('view state: expected an object with "lossviz_view": 1')
        from lossviz.viewer.reading import fill  # which knows the parts of a state

        state = cls()
        fill(state, values, "view state")
        return state


def is_passing(item: Field[Any]) -> bool:
    """Whether a field comes and goes with the pointer or the panels: undo leaves it alone."""
    return bool(item.metadata.get("passing"))


# What lossviz/viewer/reading.py accepts: kept here, beside the fields that it is of.
_CHOICES = {
    (SurfaceState, "height_scale"): SCALES, (SurfaceState, "color_scale"): SCALES,
    (IsolineState, "spacing"): SCALES, (IsolineState, "labels"): LABELLED,
    (SurfaceState, "bands"): BANDS,
    (PictureState, "theme"): THEMES, (PictureState, "vision"): VISIONS,
    (TrajectoryState, "color"): PATH_COLORS, (CurveState, "scale"): SCALES,
    (SliceState, "along"): SLICES, (SliceState, "mode"): SLICE_MODES,
    (CompareState, "arrangement"): ARRANGEMENTS,
}  # fmt: skip
_BOUNDS: dict[str, tuple[float, float]] = {
    "height_ratio": (0.01, 10), "light": (0, 2), "occlusion": (0, 2), "count": (1, 200),
    "width": (0, 100), "opacity": (0, 1), "elevation": (-90, 90), "distance": (0, 1e6),
    "fov": (1, 120), "supersample": (1, 4), "scale": (0, 100), "azimuth": (-1e6, 1e6),
    "target": (-1e6, 1e6), "persistence": (0, math.inf), "size": (0, 100), "confidence": (0, 1),
    "angle": (-1e6, 1e6), "played": (0, 1), "seconds": (0.5, 600), "dpi": (0, 10_000),
    "color_percentiles": (0, 100), "band_steps": (1, 60), "shadow": (0, 1),
    "divider": (0, 1), "veil": (0, 1), "first": (0, 1e6), "second": (0, 1e6), "handled": (0, 1e6),
}  # fmt: skip
_RANGES = ("height_range", "color_range", "color_percentiles")
_OPTIONAL = ("cap", *_RANGES, "persistence", "offset", "level", "marker")
_PICTURE_BOUNDS: dict[str, tuple[float, float]] = {
    "width": (SMALLEST_PICTURE, LARGEST_PICTURE), "height": (SMALLEST_PICTURE, LARGEST_PICTURE),
}  # fmt: skip
