"""The lens with a text box, over HTTP."""

import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace

import pytest
import yaml
from tests.lens.small import study

from numprobe.cli import main
from numprobe.errors import NumprobeError
from numprobe.lens.make import LONGEST
from numprobe.lens.serve import HOST, Server, application, find_choices, open_port, read_form
from numprobe.probes.probe import load_probe

CHOICE = "small, natural, fourier"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    study(folder, controls=True)
    return folder


@pytest.fixture(scope="module")
def address(results, tmp_path_factory):
    """A running server."""
    import uvicorn

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        server, opened = Server(results, "cpu"), open_port(0)
        running = uvicorn.Server(uvicorn.Config(application(server.choices, server.show), log_level="warning"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [opened]})
        thread.start()
        yield f"http://{HOST}:{opened.getsockname()[1]}"
        running.should_exit = True
        thread.join()


def ask(address, path="/lens", headers=None, **fields):
    data = urllib.parse.urlencode(fields).encode() if fields else None
    request = urllib.request.Request(address + path, data, headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_probes_of_models_can_be_chosen_and_those_of_controls_not(results, tmp_path):
    assert list(find_choices(results)) == [CHOICE]
    with pytest.raises(NumprobeError, match="holds no probes: name the results of a study"):
        find_choices(tmp_path)


def test_answers_are_read_by_the_probe_of_results(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, probe = study(tmp_path)
    of_answers = probe.parents[1] / "asked" / probe.name
    of_answers.parent.mkdir()
    told = load_probe(probe)
    replace(told, metadata={**told.metadata, "context": "asked"}).save(of_answers)
    contexts = [{"name": "natural", "kind": "natural"}, {"name": "asked", "kind": "result"}]
    (tmp_path / "configuration.yaml").write_text(yaml.safe_dump({"contexts": contexts}))
    server = Server(tmp_path, "cpu")
    assert list(server.choices) == [CHOICE]
    shown = server.show(CHOICE, "12 + 30 =", None)
    assert '"contexts":["natural"]' in shown and '"contexts":["asked"]' in shown
    of_answers.unlink()
    assert '"contexts":["asked"]' not in Server(tmp_path, "cpu").show(CHOICE, "12 + 30 =", None)


def test_a_text_is_shown(address):
    status, form = ask(address, "/")
    assert status == 200 and f"<option>{CHOICE}</option>" in form and f'maxlength="{LONGEST}"' in form
    status, shown = ask(address, choice=CHOICE, text="12 + 30 =", answer="")
    assert status == 200 and "<title>12 + 30 = · numprobe lens</title>" in shown and '"truth":42' in shown


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"text": "none"}, 400, "holds no number in digits"),
        ({"text": ""}, 400, "the text is empty"),
        ({"text": "7" * (LONGEST + 1)}, 400, "characters; a page shows 2,000 at most"),
        ({"text": "7" * 100_000}, 413, "the text is too long"),
        ({"text": "7", "answer": "1,5"}, 400, "is no whole number in plain digits"),
        ({"text": "7", "choice": "../../etc/passwd"}, 400, "there is no such probe"),
        ({"text": "7", "choice": "<b>"}, 400, "there is no such probe"),
    ],
)
def test_what_cannot_be_shown_is_one_message(address, fields, status, message):
    found, said = ask(address, **{"choice": CHOICE, "answer": "", **fields})
    assert found == status and message in said and said.count("<p") == 1


def test_other_sites_other_names_and_other_paths_are_refused(address):
    fields = {"choice": CHOICE, "text": "7", "answer": ""}
    assert ask(address, headers={"Sec-Fetch-Site": "cross-site"}, **fields)[0] == 403
    assert ask(address, headers={"Host": "evil.example"}, **fields)[0] == 400
    for path in ("/../pyproject.toml", "/probes/small/natural/fourier.safetensors", "/lens"):
        assert ask(address, path)[0] in (404, 405)


def test_one_text_at_a_time_per_model(results, monkeypatch):
    now, most = [0], [0]

    def content(*_):
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.02)
        now[0] -= 1
        return {"text": "7"}

    monkeypatch.setattr(Server, "_load", lambda *_: None)
    monkeypatch.setattr("numprobe.lens.serve.content_of", content)
    server = Server(results, "cpu")
    threads = [threading.Thread(target=server.show, args=(CHOICE, "7", None)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_port_in_use_is_one_message(results, capsys):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["lens", "--serve", str(results), "--port", str(port), "--no-open"]) == 1
        assert f"error: port {port} cannot be used (Address already in use): name another" in capsys.readouterr().err
    assert main(["lens", "--serve", str(results), "--port", "70000", "--no-open"]) == 1
    assert "error: port 70000 cannot be used" in capsys.readouterr().err
    assert main(["lens", "model", "--serve", str(results)]) == 1
    assert main(["lens", "model"]) == 1


def test_a_form_is_read_as_it_was_typed():
    assert read_form(b"choice=a&text=7+%C3%A9%0D%0A8&answer=+12+") == ("a", "7 é\n8", 12)
    assert read_form(b"") == ("", "", None)
    with pytest.raises(NumprobeError, match="not valid UTF-8"):
        read_form(b"text=%ff")
