"""What a figure says."""

from matplotlib.figure import Figure
from matplotlib.text import Text


def texts(figure: Figure) -> list[str]:
    """All texts of a figure, line breaks as spaces; drawn first, so that ticks have their labels."""
    figure.canvas.draw()
    found = [artist.get_text().replace("\n", " ") for artist in figure.findobj(Text) if artist.get_visible()]
    return [text for text in found if text]


def legend(figure: Figure) -> list[str]:
    """The names in a figure's legends."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]
