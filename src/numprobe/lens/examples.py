"""The texts of the pages that a study makes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text to show.

    Attributes
    ----------
    name
        Name of its page.
    text
        The text.
    answer
        The right answer; None: that of the question in which the text ends, if it does.
    """

    name: str
    text: str
    answer: int | None = None


#: Sentences and questions; none is in the texts that probes are fitted on.
EXAMPLES = (
    Example("pens", "A pack of 12 pens costs 348 cents, so 2 packs cost", 696),
    Example("sum", "125 + 342 ="),
    Example("increment", "417 + 1 ="),
    Example("difference", "806 - 254 ="),
    Example("product", "12 * 7 ="),
    Example("words", "the sum of 31 and 16 is"),
    Example("trains", "The 7:45 train to Oslo leaves from track 9, has 14 coaches and takes 385 minutes."),
    Example("repeated", "Room 512 is next to room 514; room 512 has 3 windows."),
    Example("scores", "Anna scored 87 points, Ben 78 and Carla 808 in the same game."),
    Example("recipe", "Mix 250 grams of flour with 2 eggs and bake for 35 minutes at 180 degrees."),
)
