"""Where each row of a batch stands, and which tokens it may take next. One class per kind of table."""


class TemplateStepper:
    """Exact templates, stepped on the device of the scores (layout: python/src/batch_tables.h)."""

    def __init__(self, tables, ops, like, program_of_row):
        self._ops = ops
        load = lambda name: ops.upload(tables[name], like)  # noqa: E731
        self._edge_key = load("edge_key")
        self._edge_next = load("edge_next")
        self._after_first = load("after_first")
        self._choice_row = load("choice_row")
        self._choices = load("choices")
        self._done = int(tables["done"])
        self._node = ops.upload(tables["start_node"][program_of_row], like)
        self._segment = ops.upload(tables["start_segment"][program_of_row], like)
        self._taken = self._node * 0

    def advance(self, tokens):
        """One token per row. An illegal one leaves its row where it is, and is not counted."""
        ops = self._ops
        key = (self._node << 32) + ops.integers(tokens)
        edge = ops.lower_bound(self._edge_key, key)
        legal = ops.take(self._edge_key, edge) == key
        following = ops.where(legal, ops.take(self._edge_next, edge), self._node)
        leaving = following < 0
        self._segment = self._segment + leaving
        self._node = ops.where(leaving, ops.take(self._after_first, self._segment), following)
        self._taken = self._taken + legal

    def mask(self, scores):
        rows = self._ops.take(self._choice_row, self._node)
        return self._ops.keep_only(scores, self._ops.take(self._choices, rows))

    def progress(self):
        """(legal tokens taken, finished) per row, on the host."""
        return self._ops.host(self._taken), self._ops.host(self._node == self._done)


class PositionStepper:
    """The study's position rules: a table indexed by the number of generated tokens."""

    def __init__(self, tables, ops, like, program_of_row):
        import numpy as np

        self._ops = ops
        self._forced = ops.upload(np.maximum(tables["forced"], 0)[program_of_row], like)
        self._is_forced = ops.upload((tables["forced"] >= 0)[program_of_row], like)
        self._blocked_row = ops.upload(tables["blocked_row"][program_of_row], like)
        blocked = tables["blocked"]
        # The output matrix may have rows that stand for no token.
        spare = like.shape[1] - blocked.shape[1]
        self._blocked = ops.upload(np.pad(blocked, ((0, 0), (0, spare)), constant_values=True), like)
        self._length = tables["length"][program_of_row]
        self._position = 0

    def advance(self, tokens):
        del tokens  # the rules count tokens, whatever they are
        self._position += 1

    def mask(self, scores):
        ops = self._ops
        at = min(self._position, self._forced.shape[1] - 1)
        out = ops.block(scores, ops.take(self._blocked, self._blocked_row[:, at]))
        forced = ops.where(self._is_forced[:, at : at + 1], ops.keep_only(scores, self._forced[:, at : at + 1]), out)
        return forced

    def progress(self):
        import numpy as np

        taken = np.minimum(self._position, self._length)
        return taken, taken == self._length


class HostStepper:
    """Rows of _core that are stepped on the host: one small copy each way per step."""

    def __init__(self, rows, ops):
        self._ops = ops
        self._rows = rows

    def advance(self, tokens):
        self._rows.advance(self._ops.host(tokens).tolist())

    def mask(self, scores):
        return self._ops.keep_only(scores, self._ops.upload(self._rows.choices(), scores))

    def progress(self):
        return self._rows.taken, self._rows.finished

    @property
    def dead_ends(self):
        """By row, of GeometryRows."""
        return self._rows.dead_ends.tolist()
