"""The exact constraint as a logits processor for Hugging Face ``generate``."""
import warnings

import numpy as np

from ._native import prompt_text
from .arrays import ops_for
from .errors import Error, StepError, TokenizerError
from .steppers import HostStepper, PositionStepper, TemplateStepper
from .tables import ConstraintTables


def _core():
    from . import _core as module

    return module


#: Taken off a row's count of steps when it had no usable score: far more than there are steps.
_UNUSABLE = 1 << 40


def _matrix(name, array):
    """(rows, columns) of an array or tensor."""
    shape = getattr(array, "shape", None)
    if shape is None or len(shape) != 2 or int(shape[1]) == 0:
        given = type(array).__name__ if shape is None else f"shape {tuple(shape)}"
        raise StepError(f"{name}: {given}: an array or tensor of shape (rows, columns) is needed")
    return int(shape[0]), int(shape[1])


class ConformerLogitsProcessor:
    """Lets ``model.generate`` write only the molecule that the prompt names, with parsable numbers.

    One instance serves one ``generate`` call; ``reset()`` makes it ready for the next with the same prompts.
    Row r of the batch belongs to ``smiles[r // k]``, k = rows / len(smiles): the order of
    ``num_return_sequences`` and of a batch repeated by hand. Prompts are padded on the left. No beam search.

    tokenizer: a fast transformers tokenizer, the path of a tokenizer.json or of a checkpoint, or a Tokenizer.
    smiles: one per prompt, byte for byte as in ``[SMILES]...[/SMILES]``; taken as it stands.
    rule: "exact", or a position rule of the study: "generic", "qwen", "qwen-v4.0", "allowlist".
    eos_token_id: what ends an answer, an id or several, any of which may; default: generation_config.json beside
        the tokenizer, else config.json, else the tokenizer's.
    number_format: default: conformer_format.json beside the tokenizer, else both dialects.
    descriptors: "verbatim", or "hcount" and "study", which need RDKit. Default: as the checkpoint says for
        "exact", "study" for the position rules.
    geometry: "off"; "stereo", "full" or "posebusters" keep answers of rule "exact" right in space too, which needs RDKit and a step on the host.
        Nothing can be drawn again here, so every block is masked from its start, which distorts the model's law; rows
        that came to a dead end went on without (`dead_ends`). The native `generate` redraws instead.
    check_prompts: compare the end of every row with the prompt of its SMILES in the first step.

    Raises TokenizerError, MoleculeError or Error here; StepError when the loop around it cannot be followed.
    """

    supports_continuous_batching = False  # rows would come and go: there is one state per row

    def __init__(
        self,
        tokenizer,
        smiles,
        rule="exact",
        *,
        eos_token_id=None,
        number_format=None,
        descriptors=None,
        geometry="off",
        check_prompts=True,
    ):
        tables = ConstraintTables.compile(
            tokenizer,
            smiles,
            rule,
            eos_token_id=eos_token_id,
            number_format=number_format,
            descriptors=descriptors,
            geometry=geometry,
        )
        self._set_up(tables, check_prompts)

    @classmethod
    def from_tables(cls, tables, *, check_prompts=True):
        """From ConstraintTables, or the path of a file that ``ConstraintTables.save`` wrote."""
        if not isinstance(tables, ConstraintTables):
            tables = ConstraintTables.load(tables)
        if not tables.meta["flat"] and tables.programs is None:
            raise Error("tables without a native constraint cannot be stepped")
        self = cls.__new__(cls)
        self._set_up(tables, check_prompts)
        return self

    def _set_up(self, tables, check_prompts):
        self.tables = tables
        self.rule = tables.meta["rule"]
        self._check_prompts = check_prompts
        if tables.meta["warning"]:
            warnings.warn(tables.meta["warning"], stacklevel=3)
        self.reset()

    @property
    def max_new_tokens(self):
        """Longest possible answer of the batch, end of sequence included: a bound for ``generate``."""
        return int(self.tables.arrays["max_tokens"].max())

    @property
    def min_new_tokens(self):
        """Shortest possible answer of the batch."""
        return int(self.tables.arrays["min_tokens"].min())

    @property
    def dead_ends(self):
        """By row of the last step: None, or the number of the atom, from 0 in the text, from which on the geometry was left to
        the model, because no token would have kept it. None for all without `geometry`, and before the first step."""
        if self._stepper is None:
            return []
        if self.tables.hard_sets is None:
            return [None] * self._rows
        return [None if atom < 0 else atom for atom in self._stepper.dead_ends]

    def reset(self):
        """Forgets all rows: the next call is the first step of a new ``generate``."""
        self._stepper = None
        self._rows = self._length = self._generated = self._next_check = self._all_may_have_ended = 0
        self._seen = self._unmoved = None

    def __call__(self, input_ids, scores):
        """One step. input_ids [rows, length], scores [rows, vocabulary] -> masked scores, a new tensor."""
        if self._stepper is None:
            self._begin(input_ids, scores)
        else:
            self._follow(input_ids)
        masked = self._stepper.mask(scores)
        self._note_unusable(masked, scores)
        return masked

    def _note_unusable(self, masked, scores):
        """Rows without a score to choose by: at once where that costs no copy, else at the next check."""
        usable = self._ops.usable_rows(masked)
        if not self._ops.on_host(masked):
            self._unmoved = self._unmoved - self._ops.integers(~usable) * _UNUSABLE
        elif not bool(usable.all()):
            self._raise_unusable(int(np.flatnonzero(~self._ops.host(usable))[0]), scores)

    def _raise_unusable(self, row, scores=None):
        if scores is not None and self._ops.holds_nan(scores[row]):
            cause = "its scores hold NaN: the model's logits are no numbers (an overflow of half precision?)"
        elif scores is not None:
            cause = "every token that is legal there has the score minus infinity: another processor has blocked them"
        else:
            cause = "its legal tokens had scores of NaN or minus infinity in some step"
        raise StepError(f"row {row}: {cause}")

    def _begin(self, input_ids, scores):
        rows, self._length = _matrix("input_ids", input_ids)
        _matrix("scores", scores)
        prompts = len(self.tables.smiles)
        if rows == 0 or rows % prompts != 0 or int(scores.shape[0]) != rows:
            raise StepError(f"{rows} rows of ids, {int(scores.shape[0])} of scores for {prompts} SMILES: not a multiple")
        self._check_vocabulary(int(scores.shape[1]))
        self._ops = ops_for(scores)
        if not self._ops.is_floating(scores):
            raise StepError(f"scores of {scores.dtype}: floating-point numbers are needed")
        # Beam search hands over log-probabilities; greedy search and sampling hand over logits, unless another
        # processor normalized them: with one row per prompt there are no beams.
        if rows > prompts and self._ops.looks_normalized(scores):
            raise StepError(
                "the scores are log-probabilities, as in beam search: beams copy rows into each other between steps, "
                "which this processor cannot follow; use num_beams=1, and num_return_sequences for several answers"
            )
        self._rows = rows
        prompt_of_row = np.arange(rows) // (rows // prompts)
        if self._check_prompts:
            self._compare_prompts(self._ops.host(input_ids), prompt_of_row)
        arrays = self.tables.arrays
        program_of_row = arrays["program_of_prompt"][prompt_of_row]
        native = [self.tables.programs[p] for p in program_of_row] if self.tables.programs else []
        if self.tables.hard_sets is not None:
            sets = [self.tables.hard_sets[p] for p in program_of_row]
            self._stepper = HostStepper(_core().GeometryRows(native, sets, self.tables.token_texts), self._ops)
        elif "edge_key" in arrays:
            self._stepper = TemplateStepper(arrays, self._ops, scores, program_of_row)
        elif self.rule != "exact":
            self._stepper = PositionStepper(arrays, self._ops, scores, program_of_row)
        else:
            self._stepper = HostStepper(_core().HostRows(native), self._ops)
        self._all_may_have_ended = int(arrays["min_tokens"][program_of_row].max())
        self._next_check = 2
        self._seen = input_ids
        self._unmoved = self._ops.integers(input_ids[:, -1]) * 0

    def _check_vocabulary(self, columns):
        vocabulary = self.tables.meta["vocabulary"]
        if columns < vocabulary:
            raise TokenizerError(
                f"the model has {columns} vocabulary rows, tokenizer {self.tables.meta['tokenizer']} has {vocabulary} "
                "tokens: not this model's tokenizer"
            )

    def _compare_prompts(self, ids, prompt_of_row):
        for row, prompt in enumerate(prompt_of_row):
            wanted = self.tables.prompt_ids(prompt)
            if ids.shape[1] < len(wanted) or not np.array_equal(ids[row, -len(wanted) :], wanted):
                raise StepError(
                    f"row {row} does not end with the tokens of {prompt_text(self.tables.smiles[prompt])}: another "
                    "order, other SMILES, another tokenizer, or padding on the right (check_prompts=False skips this)"
                )

    def _follow(self, input_ids):
        rows, length = _matrix("input_ids", input_ids)
        if rows != self._rows:
            raise StepError(f"{rows} rows after {self._rows}: the batch changed; reset() begins a new generation")
        if length != self._length + 1:
            raise StepError(
                f"{length} ids a row after {self._length}: not the next step of this generation; a processor serves one "
                "generate call, reset() begins a new one"
            )
        self._length = length
        # All but the last column must be what was seen before: it is not when rows were exchanged.
        self._unmoved = self._unmoved + (input_ids[:, :-1] == self._seen).all(1)
        self._seen = input_ids
        self._stepper.advance(input_ids[:, -1])
        self._generated += 1
        self._check()

    def _check(self):
        """Reads the counts back at steps 2, 4, 8, ... and, once all rows can have ended, in every step."""
        may_be_over = self._generated >= self._all_may_have_ended
        if self._generated < self._next_check and not may_be_over:
            return
        if self._generated >= self._next_check:
            self._next_check *= 2
        counts = self._ops.host(self._unmoved)
        unusable = np.flatnonzero(counts < 0)
        if len(unusable) > 0:
            self._raise_unusable(int(unusable[0]))
        moved = np.flatnonzero(counts != self._generated)
        if len(moved) > 0:
            raise StepError(
                f"row {moved[0]} holds other ids than in the step before: rows were exchanged, as beam search does; use "
                "num_beams=1, and num_return_sequences for several answers"
            )
        taken, finished = self._stepper.progress()
        strayed = np.flatnonzero(~finished & (taken != self._generated))
        if len(strayed) > 0:
            raise StepError(
                f"row {strayed[0]} took a token that was not allowed: something after this processor overrules it, or "
                "its masked scores were not used"
            )
        # Rows end at their own steps, and generate stops asking once all have: a further call is too many.
        if finished.all():
            raise StepError("every row has ended: generation goes on after end of sequence; reset() begins a new one")
