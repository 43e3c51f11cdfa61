"""The folder of this workflow on disk: ROOT, with its programs, and LIBRARY, the folder that holds the package numprobe.

Snakemake fetches the rules of a module from a repository file by file, and nothing else. The programs and the library
come from a checkout of the same commit.
"""

import shutil
import subprocess
import tempfile

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import HostingProviderFile, LocalGitFile, LocalSourceFile


def source_folder(place, cache):
    """Return the folder of the workflow, given that of this file."""
    if isinstance(place, LocalSourceFile):
        return Path(place.get_path_or_uri(secret_free=True)).parents[1]
    if isinstance(place, LocalGitFile):
        return checkout(place.repo_path, place.ref, cache)
    if isinstance(place, HostingProviderFile):
        # Snakemake has cloned the repository to read this file.
        return checkout(place.hosted_repo.repo_clone, place.ref, cache)
    raise WorkflowError(
        f"numprobe cannot be read from {place}, because its programs are needed beside its rules: name a folder, or a"
        ' repository as github("owner/name", path="workflow/Snakefile", tag="v0.1.0")'
    )


def checkout(repository, ref, cache):
    """Return a folder with the files of a commit of a repository; it is made once, also by processes side by side."""
    commit = git("-C", repository, "rev-parse", "--verify", f"{ref}^{{commit}}")
    folder = Path(cache) / "numprobe" / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=folder.parent)
        git("clone", "--quiet", "--no-checkout", repository, made)
        git("-C", made, "checkout", "--quiet", "--detach", commit)
        try:
            Path(made).rename(folder)
        except OSError:
            # Another process was faster.
            shutil.rmtree(made)
    return folder


def git(*arguments):
    """Return what git prints."""
    done = subprocess.run(["git", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise WorkflowError(f"git {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout.strip()


ROOT = source_folder(workflow.current_basedir, workflow.sourcecache.cache_path)
# In an installed package, the workflow is a folder of the package (pyproject.toml).
LIBRARY = ROOT / "src" if (ROOT / "src").is_dir() else ROOT.parents[1]
