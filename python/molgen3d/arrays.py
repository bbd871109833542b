"""The few array operations of a decoding step, for NumPy and for torch tensors on any device.

A step is made of these and of operators that both libraries share, so that a torch step stays on its device:
nothing is read back to the host.
"""
import numpy as np


class NumpyOps:
    """NumPy arrays: tests, and loops that do not run on torch."""

    @staticmethod
    def upload(array, like):
        return np.asarray(array)

    @staticmethod
    def host(array):
        return np.asarray(array)

    @staticmethod
    def integers(array):
        return array.astype(np.int64, copy=False)

    @staticmethod
    def take(table, index):
        return table[index]

    @staticmethod
    def lower_bound(keys, values):
        return np.searchsorted(keys, values)

    @staticmethod
    def where(condition, a, b):
        return np.where(condition, a, b)

    @staticmethod
    def keep_only(scores, ids):
        """`scores` at the columns `ids[row]`, minus infinity elsewhere."""
        out = np.full_like(scores, -np.inf)
        np.put_along_axis(out, ids, np.take_along_axis(scores, ids, axis=1), axis=1)
        return out

    @staticmethod
    def block(scores, blocked):
        return np.where(blocked, np.asarray(-np.inf, scores.dtype), scores)

    @staticmethod
    def looks_normalized(scores):
        """True when every row holds log-probabilities. One finite score alone is no sign of them: whatever forces
        a token leaves a zero among minus infinities, too."""
        values = scores.astype(np.float64)
        if (np.isfinite(values).sum(axis=1) < 2).any():
            return False
        peak = values.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            total = np.log(np.exp(values - peak).sum(axis=1)) + peak[:, 0]
        return bool((np.abs(total) < 1e-3).all())

    @staticmethod
    def usable_rows(scores):
        """Per row, whether its largest score is a number."""
        return scores.max(axis=1) > -np.inf

    @staticmethod
    def holds_nan(scores):
        return bool(np.isnan(scores).any())

    @staticmethod
    def is_floating(array):
        return array.dtype.kind == "f"

    @staticmethod
    def on_host(array):
        del array
        return True


class TorchOps:
    """torch tensors. Works with torch 1.13 and later."""

    def __init__(self):
        import torch

        self._torch = torch

    def upload(self, array, like):
        return self._torch.as_tensor(np.ascontiguousarray(array)).to(like.device)

    @staticmethod
    def host(array):
        return array.cpu().numpy()

    def integers(self, array):
        return array.to(self._torch.int64)

    def take(self, table, index):
        return self._torch.index_select(table, 0, index)

    def lower_bound(self, keys, values):
        return self._torch.searchsorted(keys, values)

    def where(self, condition, a, b):
        return self._torch.where(condition, a, b)

    def keep_only(self, scores, ids):
        out = self._torch.full_like(scores, -float("inf"))
        return out.scatter_(1, ids, scores.gather(1, ids))

    @staticmethod
    def block(scores, blocked):
        return scores.masked_fill(blocked, -float("inf"))

    def looks_normalized(self, scores):
        values = scores.to(self._torch.float32)
        several = self._torch.isfinite(values).sum(dim=1) > 1
        total = self._torch.logsumexp(values, dim=1)
        return bool((several & (total.abs() < 1e-3)).all())

    @staticmethod
    def usable_rows(scores):
        return scores.amax(dim=1) > -float("inf")

    def holds_nan(self, scores):
        return bool(self._torch.isnan(scores).any())

    @staticmethod
    def is_floating(array):
        return bool(array.is_floating_point())

    @staticmethod
    def on_host(array):
        return array.device.type == "cpu"


def ops_for(array):
    """The operations for arrays like this one."""
    return NumpyOps() if isinstance(array, np.ndarray) else TorchOps()
