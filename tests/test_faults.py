"""The harness of faults: what it damages, how it follows advice, what it writes; and a part of its faults."""

import os
import subprocess
from random import Random

import pytest

from faults.advice import Surroundings, follow, subject
from faults.damage import DAMAGES, PLACES, damage_file
from faults.flips import flip_bits
from faults.inject import Outcome
from faults.plan import AT_REST, KINDS, RUNNING, all_faults, part
from faults.report import section, with_section
from faults.study import limited_python
from inject_faults import flip_all, inject_all, make_reference, needed
from numprobe.sealed import write_sealed_json

CONTENT = bytes(range(1, 256)) * 40


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("place", PLACES)
def test_damage_changes_the_bytes_and_no_time(tmp_path, kind, place):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(5, 7))
    damage_file(path, kind, place, Random(1))
    assert path.read_bytes() != CONTENT
    assert path.stat().st_mtime_ns == 7


def test_damage_is_what_it_says():
    random = Random(2)
    assert CONTENT.startswith(DAMAGES["truncated"](CONTENT, "body", random))
    flipped = DAMAGES["one bit"](CONTENT, "footer", random)
    assert sum((a ^ b).bit_count() for a, b in zip(CONTENT, flipped, strict=True)) == 1
    zeroed = DAMAGES["zeros"](CONTENT, "header", random)
    assert (zeroed.count(0), len(zeroed)) == (4096, len(CONTENT))
    assert DAMAGES["NaN"](b'{"a": 1, "b": [22, 3]}', "header", random) == b'{"a": NaN, "b": [22, 3]}'


def test_every_damage_meets_every_kind_of_file_at_rest_and_while_jobs_run():
    faults = all_faults(3)
    planned = {(fault.damage, fault.kind.name, fault.moment) for fault in faults}
    for kind in KINDS:
        for damage in (*DAMAGES, "unreadable"):
            assert {(damage, kind.name, AT_REST), (damage, kind.name, RUNNING)} <= planned
        for damage in ("full disk", "job killed"):
            assert (damage, kind.name, RUNNING) in planned
    for damage in DAMAGES:
        assert {fault.place for fault in faults if fault.damage == damage} == set(PLACES)
    assert "train_model" in {fault.kind.maker for fault in faults if fault.damage == "workflow killed"}
    assert all_faults(3) == faults != all_faults(4)


def test_a_part_has_every_damage_and_twelve_kinds_of_file():
    chosen = part(all_faults(3), 12, 3)
    assert len({fault.damage for fault in chosen}) == 8
    assert len({fault.kind.name for fault in chosen}) >= 10


def test_a_study_for_some_faults_has_their_files():
    fault = next(fault for fault in all_faults(3) if fault.kind.name == "corpus")
    assert {"results/corpora/natural.parquet", "results/prompts/natural.parquet"} <= set(needed([fault]))


OUTPUT = """
Error in rule evaluate_probes:
    input: results/activations/small/number/residual-1.parquet
Logfile results/logs/evaluate_probes/small/number.log:
error: results/probes/small/number/fourier.safetensors is damaged (its bytes do not match): delete it and run again
"""


def test_advice_is_followed_to_the_letter(tmp_path):
    probe = tmp_path / "results/probes/small/number/fourier.safetensors"
    probe.parent.mkdir(parents=True)
    probe.write_text("x")
    beside = probe.with_name("linear.safetensors")
    beside.write_text("x")
    around = Surroundings(tmp_path)
    assert follow(OUTPUT, around) == ["deleted fourier.safetensors"]
    assert (probe.exists(), beside.exists()) == (False, True)
    assert follow(OUTPUT.replace("delete it", "delete the folder"), around) == ["deleted the folder number"]
    assert not beside.exists()


def test_nothing_is_done_that_is_not_advised(tmp_path):
    path = tmp_path / "results/cards/small.json"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    path.chmod(0)
    denied = "error: results/cards/small.json cannot be read (Permission denied): give yourself the right to read it"
    assert follow("error: results/cards/small.json holds another model", Surroundings(tmp_path)) == []
    assert path.exists()
    assert follow(denied, Surroundings(tmp_path)) == ["made small.json readable"]
    assert path.stat().st_mode & 0o777 == 0o644
    path.unlink()
    assert follow(denied, Surroundings(tmp_path)) == ["found small.json removed"]
    assert not path.exists()


def test_space_is_freed_and_locks_are_taken_away_where_messages_say_so(tmp_path):
    called: list[str] = []
    around = Surroundings(tmp_path, lambda: called.append("unlock"), lambda: called.append("space"))
    follow("LockException: ... the --unlock option", around)
    follow("error: no space left while writing x/y.parquet: free some disk space and run again", around)
    assert called == ["unlock", "space"]


def test_the_subject_of_a_message_is_its_first_path():
    assert subject("error: results/cards/small.json is damaged (see docs/files.md): ...") == "results/cards/small.json"
    assert subject("no space left while writing results/a.parquet: ...") == "results/a.parquet"


def test_a_limited_python_writes_small_files_alone(tmp_path):
    python = limited_python(tmp_path / "bin", 1000) / "python"
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(bytes(int(sys.argv[2])))"
    assert subprocess.run([python, "-c", write, tmp_path / "small", "900"]).returncode == 0
    large = subprocess.run([python, "-c", write, tmp_path / "large", "1100"], capture_output=True, text=True)
    assert "File too large" in large.stderr


def test_the_section_counts_what_came_of_faults_and_replaces_itself():
    faults = [fault for fault in all_faults(0) if fault.damage == "one bit" and fault.kind.name == "card"]
    outcomes = [Outcome(faults[0], detected=True, recovered=True), Outcome(faults[0], silent=True)]
    text = section([*outcomes, Outcome(faults[0], skipped="there is no setpriv")], [], 5)
    assert "| one bit, at rest | card | 2 | 1 | 1 | 1 |" in text
    assert "injected 2 faults" in text
    assert "seed 5" in text
    assert "Not injected: 1, as there is no setpriv." in text
    page = "# Title\n\n## Before\n\na\n\n## After\n\nb\n"
    once = with_section(page, "## Before\n\nc\n")
    assert once == "# Title\n\n## Before\n\nc\n\n## After\n\nb\n"
    assert with_section(once, text) == once + "\n" + text
    assert with_section(with_section(once, text), text) == with_section(once, text)


def test_flips_of_bits_are_counted(tmp_path):
    write_sealed_json(tmp_path / "study/results/cards/small.json", {"name": "small", "layers": 2})
    found = flip_bits(tmp_path / "study", tmp_path / "copy", "card", 50, 0)
    assert (found.flips, found.refused, found.read) == (50, 50, 0)


@pytest.mark.slow
def test_a_part_of_the_faults_is_detected_and_recovered_from(tmp_path, capsys):
    seed = Random().randrange(10000)
    with capsys.disabled():
        print(f"\nfaults: seed {seed}")
        faults = part(all_faults(seed), 12, seed)
        reference = make_reference(tmp_path / "reference", needed(faults))
        outcomes = inject_all(faults, reference, tmp_path, 2, minutes=6)
        flips = flip_all(reference, tmp_path / "flips", seed)
    assert [str(one) for one in outcomes if one.silent] == []
    assert [str(one) for one in outcomes if not (one.recovered or one.skipped)] == []
    assert [one for one in flips if one.refused < one.flips] == []
