"""Conformers from the native engine."""
import pathlib
import sys
import time
import warnings

from . import checks
from ._native import molecule_module
from .errors import Error, MoleculeError

_native = molecule_module()
Conformer = _native.Conformer
Model = _native.Model

#: The checkpoint that ships with the package.
DEFAULT_MODEL = "qwen3-conformer"
_shipped = pathlib.Path(__file__).parent / "models"


def load_model(model=DEFAULT_MODEL):
    """A checkpoint directory, or the name of a shipped one. Load once to generate several times."""
    if isinstance(model, Model):
        return model
    path = checks.path("model", model)
    if not path.is_dir() and (_shipped / path).is_dir():
        path = _shipped / path
    return Model.load(str(path))


def _progress_line():
    """A line that is rewritten on a terminal, a line every ten seconds elsewhere."""
    begin = last = time.monotonic()
    terminal = sys.stderr.isatty()

    def show(done, total):
        nonlocal last
        now = time.monotonic()
        if not terminal and done < total and now - last < 10:
            return
        last = now
        rate = done / max(now - begin, 1e-9)
        text = f"molgen3d: {done}/{total} samples, {rate:.1f} samples/s"
        sys.stderr.write(("\r" if terminal else "") + text + ("\n" if done == total or not terminal else ""))
        sys.stderr.flush()

    return show


def _warnings_of(model, rule, sampling):
    """What the command line says of such a run, too."""
    if rule == "exact" and model.fallback_warning:
        yield model.fallback_warning
    if sampling == "checkpoint" and model.settings_not_applied:
        settings = ", ".join(model.settings_not_applied)
        yield f"{model.directory}/generation_config.json: not applied: {settings}"


def generate(
    smiles,
    n=1,
    *,
    model=DEFAULT_MODEL,
    seed=0,
    rule="exact",
    style="canonical",
    descriptors=None,
    sampling="checkpoint",
    temperature=None,
    top_k=None,
    top_p=None,
    min_p=None,
    max_new_tokens=0,
    geometry=None,
    on_failure="fail",
    device="auto",
    dtype="bfloat16",
    kv_dtype="bf16",
    batch=0,
    threads=0,
    speculate="auto",
    progress=None,
    errors="raise",
):
    """n conformers of each SMILES (one text, or several), as a list of Conformer in input order.

    The same settings give the same conformers whatever batch, threads and order of the input are; they are those of
    ``molgen3d generate``. rule "none" generates freely. geometry: "off", "stereo", "full" or "posebusters", what must hold in space
    ("full" by default with rule "exact", which the last two need); on_failure: "fail", or "keep" samples that stay
    outside it. speculate: "auto", "off" or "1" to "8", how many tokens are drafted ahead (changes no result).
    progress: True for a line on standard error, or a function of
    (done, total). errors: "raise" a MoleculeError for the first SMILES that cannot be used, before anything is
    generated; "keep" returns its samples as failed ones. Samples that fail for another reason are always returned,
    with ``ok`` False and ``error`` set. Ctrl-C stops within a step of the engine.
    """
    if errors not in ("raise", "keep"):
        raise Error(f"errors {errors!r}: not one of raise, keep")
    smiles = checks.texts("smiles", smiles, MoleculeError)
    if progress not in (None, True, False) and not callable(progress):
        raise Error(f"progress {checks.shown(progress)}: neither True nor a function of (done, total)")
    options = {
        "n": checks.integer("n", n, 1, 2**32 - 1),
        "seed": checks.integer("seed", seed, 0, 2**64 - 1),
        "max_new_tokens": checks.integer("max_new_tokens", max_new_tokens, 0, 2**32 - 1),
        "batch": checks.integer("batch", batch, 0, 2**16),
        "threads": checks.integer("threads", threads, 0, 2**16),
    }
    texts = dict(rule=rule, style=style, sampling=sampling, device=device, dtype=dtype, kv_dtype=kv_dtype)
    texts.update(on_failure=on_failure, speculate=speculate)
    options.update((name, checks.text(name, value)) for name, value in texts.items())
    if descriptors is not None:
        options["descriptors"] = checks.text("descriptors", descriptors)
    if geometry is not None:
        options["geometry"] = checks.text("geometry", geometry)
    if top_k is not None:
        options["top_k"] = checks.integer("top_k", top_k, 0, 2**31 - 1)
    for name, value in dict(temperature=temperature, top_p=top_p, min_p=min_p).items():
        if value is not None:
            options[name] = checks.number(name, value)
    model = load_model(model)
    for warning in _warnings_of(model, options["rule"], options["sampling"]):
        warnings.warn(warning, stacklevel=2)
    if errors == "raise":
        _native.check_smiles(smiles, style)
    progress = _progress_line() if progress is True else progress or None
    return _native.generate(model, smiles, options, progress)

