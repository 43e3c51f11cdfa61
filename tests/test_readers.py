"""Files of results are read and written in the few places that compare and make their checksums."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What reads files of others: texts of the user, and models, of which those of the workflow are compared before.
FOREIGN = {"src/numprobe/prompts/corpus.py", "src/numprobe/prompts/natural.py"}
FOREIGN |= {f"src/numprobe/models/{name}.py" for name in ("json_files", "weights", "identity", "load", "source")}
FOREIGN |= {f"src/numprobe/models/gguf/{name}.py" for name in ("convert", "tokenizer")}
#: What reads or writes a format without a checksum -> where it may stand.
ALLOWED = {
    "read_parquet": {"src/numprobe/tables.py"},
    "scan_parquet": set(),
    "pq.read_table": set(),
    "pq.read_schema": {"src/numprobe/tables.py"},
    "pq.read_metadata": {"src/numprobe/activations/columns.py"},
    "pq.ParquetFile": set(),
    "pq.ParquetWriter": {"src/numprobe/tables.py", "src/numprobe/activations/columns.py"},
    "pq.write_table": set(),
    "write_parquet": set(),
    "sink_parquet": set(),
    "safe_open": set(),
    "load_file": set(),
    "save_file": set(),
    "json.load": set(),
    "json.dump": set(),
    "json.loads": {
        "src/numprobe/sealed.py",
        "src/numprobe/tables.py",
        "src/numprobe/probes/tensor_file.py",
        "src/numprobe/atomic.py",  # what benchmarks write
        # Options and the configuration.
        "scripts/_run.py",
        "scripts/choose_matched_tokens.py",
        "scripts/draw_texts.py",
        "scripts/fit_iterative_probes.py",
        "scripts/make_split.py",
        "scripts/measure.py",
        "scripts/plot.py",
        "scripts/train_model.py",
        "scripts/write_configuration.py",
        "scripts/write_explorer.py",
        "workflow/module_paths.py",
    },
    "np.load": set(),
    "np.save": set(),
    "np.fromfile": set(),
    "torch.load": set(),
    "pickle": set(),
}


def names_in(path: Path) -> set[str]:
    """Names, attributes and module.attribute pairs of a program."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
            if isinstance(node.value, ast.Name):
                found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
    return found


def test_no_program_reads_or_writes_results_past_their_checksums():
    found: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for folder in ("src", "scripts", "workflow"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            for name in names_in(path) & set(ALLOWED) if place not in FOREIGN else ():
                found[name].add(place)
    assert found == ALLOWED
