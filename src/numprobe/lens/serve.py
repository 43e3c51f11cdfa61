"""The lens with a text box, on this machine only: models and probes of a study to choose from."""

import socket
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

import yaml

from numprobe.errors import NumprobeError
from numprobe.lens.command import Lens, Loaded, content_of, load
from numprobe.lens.make import LONGEST, check_request
from numprobe.lens.page import page
from numprobe.models.source import ModelSource, parse_source
from numprobe.probes.probe import load_probe
from numprobe.runs import Run

HOST = "127.0.0.1"
# Models that stay in memory.
_MODELS = 2
# A text of the longest kind, every character of which is escaped as four bytes, and the other fields.
_LARGEST_BODY = 12 * LONGEST + 1000
_PATIENCE = 60.0

Choices = Mapping[str, Path]
#: Makes the page of a text and an answer with the probe of a choice.
Show = Callable[[str, str, int | None], str]


def find_choices(results: Path) -> dict[str, Path]:
    """Return the probes that read numbers of a text by name, `model, context, kind`, without those of controls.

    Raises
    ------
    NumprobeError
        If there are none.
    """
    files = sorted(results.glob("probes/*/*/*.safetensors"))
    answers = result_contexts(results)
    plain = [
        file
        for file in files
        if Run.parse(file.parts[-3]).control == "none" and "." not in file.stem and file.parts[-2] not in answers
    ]
    if not plain:
        raise NumprobeError(f"{results} holds no probes: name the results of a study, whose target `probes` was made")
    # Running text first: it is what people write.
    plain.sort(key=lambda file: (file.parts[-3], file.parts[-2] != "natural", file.parts[-2], file.stem != "fourier"))
    return {", ".join([*file.parts[-3:-1], file.stem]): file for file in plain}


def result_contexts(results: Path) -> list[str]:
    """Return the contexts of a study whose probes read an answer before it is written."""
    file = results / "configuration.yaml"
    contexts = yaml.safe_load(file.read_text(encoding="utf-8"))["contexts"] if file.is_file() else []
    return [entry["name"] for entry in contexts if entry["kind"] == "result"]


def answer_probe_of(probe: Path, results: Path) -> Path | None:
    """Return the probe of the same model and kind that reads an answer before it is written, if the study has one."""
    files = [probe.parents[1] / context / probe.name for context in result_contexts(results)]
    return next((file for file in files if file.is_file()), None)


def source_of(probe: Path, results: Path) -> ModelSource:
    """Return the model of a probe of a study, whose relative paths start beside its results."""
    source = dict(load_probe(probe).metadata["source"])
    for key in ("path", *(["folder"] if source["kind"] in ("train", "gguf") else [])):
        if key in source:
            source[key] = str(results.resolve().parent / source[key])
    return parse_source(source)


class Server:
    """Makes pages, one at a time per model; the models used last stay in memory.

    Parameters
    ----------
    results
        The results of a study.
    device
        auto, cpu, cuda or cuda:N.
    """

    def __init__(self, results: Path, device: str = "auto") -> None:
        self.choices = find_choices(results)
        self._results, self._device = results, device
        self._locks = {file.parts[-3]: Lock() for file in self.choices.values()}
        self._loading = Lock()
        self._loaded = lru_cache(_MODELS)(self._load)

    def show(self, choice: str, text: str, answer: int | None) -> str:
        """Return the page of a text.

        Raises
        ------
        NumprobeError
            If there is no such choice, the text cannot be shown, or the model is busy for a minute.
        """
        if choice not in self.choices:
            raise NumprobeError("there is no such probe: choose one of the list")
        check_request(text, answer)
        lock = self._locks[self.choices[choice].parts[-3]]
        if not lock.acquire(timeout=_PATIENCE):
            raise NumprobeError("this model is busy with other texts: try again in a minute")
        try:
            with self._loading:
                loaded = self._loaded(choice)
            return page(content_of(loaded, text, answer))
        finally:
            lock.release()

    def _load(self, choice: str) -> Loaded:
        file = self.choices[choice]
        answer_probe = answer_probe_of(file, self._results)
        lens = Lens(source_of(file, self._results), file, answer_probe=answer_probe, device=self._device)
        return load(lens, head=True, name=file.parts[-3])


def application(choices: Choices, show: Show) -> Any:
    """Return the ASGI application: a form, and the page of what is sent with it."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    async def form(request: Request) -> HTMLResponse:
        return HTMLResponse(form_page(choices))

    async def lens(request: Request) -> HTMLResponse:
        # A page of another site must not make this machine compute.
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _refusal("this page takes texts from its own form only", 403)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_BODY:
                return _refusal(f"the text is too long: a page shows {LONGEST:,} characters at most", 413)
        try:
            return HTMLResponse(await run_in_threadpool(show, *read_form(body)))
        except NumprobeError as error:
            return _refusal(str(error), 400)

    def _refusal(message: str, status: int) -> HTMLResponse:
        style = "<style>:root{color-scheme:light dark}p{font:1rem system-ui,sans-serif;padding:1rem}</style>"
        return HTMLResponse(f'{style}<p role="alert">{escape(message)}</p>', status)

    # A name of another machine that points here would make its pages those of this origin.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return Starlette(routes=[Route("/", form), Route("/lens", lens, methods=["POST"])], middleware=[hosts])


def form_page(choices: Choices) -> str:
    """Return the page with the form."""
    options = "".join(f"<option>{escape(name)}</option>" for name in choices)
    text = Path(__file__).with_name("serve.html").read_text(encoding="utf-8")
    return text.replace("<!-- options -->", options).replace("<!-- longest -->", str(LONGEST))


def read_form(body: bytes) -> tuple[str, str, int | None]:
    """Return the choice, the text and the answer of a form.

    Raises
    ------
    NumprobeError
        If it is not UTF-8, or the answer is no whole number.
    """
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise NumprobeError("the form is not valid UTF-8") from None
    choice, text, answer = (fields.get(name, [""])[0] for name in ("choice", "text", "answer"))
    answer = answer.strip()
    if answer and not (answer.isascii() and answer.isdecimal() and len(answer) <= 18):
        raise NumprobeError(f"the answer {answer[:20]!r} is no whole number in plain digits")
    # A form sends line ends as two characters.
    return choice, text.replace("\r\n", "\n"), int(answer) if answer else None


def open_port(port: int) -> socket.socket:
    """Return a socket of this machine alone.

    Raises
    ------
    NumprobeError
        If the port is in use, or may not be used.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((HOST, port))
        opened.listen()
    except (OSError, OverflowError) as error:
        opened.close()
        said = getattr(error, "strerror", None) or str(error)
        raise NumprobeError(f"port {port} cannot be used ({said}): name another with --port") from None
    return opened


def serve(results: Path, port: int, device: str, ready: Callable[[str], None]) -> None:
    """Serve the lens of a study until interrupted; `ready` is told the address.

    Raises
    ------
    NumprobeError
        If the extra `lens` is not installed, there are no probes, or the port is in use.
    """
    try:
        import uvicorn
    except ImportError:
        raise NumprobeError("--serve needs the extra lens: pip install 'numprobe[lens]'") from None
    server = Server(results, device)
    opened = open_port(port)
    ready(f"http://{HOST}:{opened.getsockname()[1]}/")
    config = uvicorn.Config(application(server.choices, server.show), log_level="warning")
    uvicorn.Server(config).run(sockets=[opened])
