"""The libraries that draw the page's charts: Vega, Vega-Lite and Vega-Embed as one script."""

from numprobe.errors import NumprobeError


def vega_script() -> str:
    """Return the JavaScript that defines `vegaEmbed`, without a network; the same text for the same version.

    Raises
    ------
    NumprobeError
        If the package that holds the libraries is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise NumprobeError(
            "the package vl-convert-python, which holds the charts of results/explorer.html, is not installed: "
            "run `make setup`, or install the version that requirements.txt names"
        ) from error
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script
