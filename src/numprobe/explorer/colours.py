"""Colours of the page's curves: those of the figures, and lighter ones of the same hues for dark screens."""

import colorsys
from collections.abc import Callable

from numprobe.draw.style import CONTROLS, PROBES, series_styles

#: Lightness below which a colour cannot be seen on a dark ground, and the one that it is given there.
_DARKEST, _LIFTED = 0.5, 0.66
_OTHERS = 8


def series_colours() -> dict[str, dict[str, object]]:
    """Return the colours for light and for dark screens: `probe` and `control` by name, and `others` by place."""
    return {"light": _palette(lambda colour: colour), "dark": _palette(on_dark)}


def _palette(shown: Callable[[str], str]) -> dict[str, object]:
    others = series_styles([str(place) for place in range(_OTHERS)])
    return {
        "probe": {name: shown(style.colour) for name, style in PROBES.items()},
        "control": {name: shown(style.colour) for name, style in CONTROLS.items()},
        "others": [shown(style.colour) for style in others.values()],
    }


def on_dark(colour: str) -> str:
    """Return a colour that can be seen on a dark ground, "#rrggbb" of the same hue; a light one is kept."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if lightness >= _DARKEST:
        return colour
    lifted = colorsys.hls_to_rgb(hue, _LIFTED if saturation else 1 - lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in lifted)
