"""Functions that the rules of the experiments share or call."""

# --- composition -----------------------------------------------------------------------------------------------


def manifests(runs):
    """Folders of activations, as an option of a program."""
    return [f"results/activations/{model}/{context}" for model, context in runs]


def composition_runs(wildcards):
    """All runs of a model, of its first untrained control and of its mixed one."""
    mixed = [(run, context) for run in STUDY.mixed_runs(wildcards.model) for context in STUDY.run_contexts(run)]
    return [run for run in [*STUDY.runs("composition"), *mixed] if base_of(run[0]) == wildcards.model]


# --- embedding_probes ------------------------------------------------------------------------------------------


def embedding_probe_files(wildcards):
    """All probes of a model's embeddings."""
    endings = ["", *(f".{control}" for control in STUDY.probe_controls(wildcards.model))]
    files = expand("{probe}{ending}", probe=STUDY.closed_form, ending=endings)
    files += iterative_files(EMBEDDING, EMBEDDING_FITS, wildcards.model)
    return [f"{EMBEDDING_PROBES}/{file}.safetensors" for file in files]


# --- multi_token -----------------------------------------------------------------------------------------------


def with_untrained(models):
    """Models and their untrained controls."""
    return [*models, *(name + UNTRAINED for name in models if STUDY.reads_untrained(name))]


def preceding_layers(wildcards):
    """The states in which preceding tokens are read: those named, else the state after the middle block."""
    existing = base_model(wildcards).layers
    return " ".join(str(layer) for layer in MULTI_TOKEN["layers"]) or middle_layer(existing)


# --- ordinals --------------------------------------------------------------------------------------------------


def ordered_states(run):
    """The files of the states of ordered words of a model or its untrained control, manifest last."""
    layers = ["embedding", *STUDY.models[base_of(run)].layers]
    files = [*(f"residual-{layer}.parquet" for layer in layers), "positions.parquet", "manifest.json"]
    return [f"results/ordinals/{run}/{file}" for file in files]


def number_probes(wildcards):
    """The leading probe of a model, fitted on its number embeddings and on the bare number."""
    return [
        f"results/probes/{wildcards.model}/{context}/{LEADING}.safetensors"
        for context in NUMBER_CONTEXTS
        if (wildcards.model, context) in STUDY.runs()
    ]


# --- sample_efficiency -----------------------------------------------------------------------------------------


def sample_efficiency_skipped():
    """The pairs of a model and one of the experiment's contexts that do not apply."""
    entry = STUDY.experiment("sample_efficiency")
    wanted = entry.get("contexts", [VOCABULARY, *STUDY.contexts]), entry.get("models", list(STUDY.models))
    skipped = STUDY.not_applicable("sample_efficiency", wanted[0])
    return [text for text in skipped if text.split(":")[0] in wanted[1]]


# --- runs of any model ---


def any_model(files, name):
    """The files of a run as patterns with the wildcard `model`."""
    return [re.sub(rf"(?<=/){re.escape(name)}(?=/)", "{model}", file, count=1) for file in files]
