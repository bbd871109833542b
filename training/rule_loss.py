"""What distill_constraint.py minimises."""
import torch


def divergence(model, teacher, part, legal):
    """Sums over the part's answer tokens: (-log legal mass, KL among the legal tokens), in nats.

    part: batch_of_rows()' arrays as tensors; legal: int64 (answer tokens, width), the ids allowed at each of them.
    """
    tokens, targets, positions, first = part
    wanted = targets.flatten() >= 0
    scores = model.logits(tokens, positions, first).flatten(0, 1)[wanted]
    with torch.no_grad():
        taught = teacher.logits(tokens, positions, first).flatten(0, 1)[wanted]
    illegal = torch.ones_like(scores, dtype=torch.bool).scatter_(1, legal, False)
    among = scores.masked_fill(illegal, -torch.inf)
    mass = torch.logsumexp(scores, 1) - torch.logsumexp(among, 1)
    ours = torch.log_softmax(among, 1).masked_fill(illegal, 0)
    theirs = torch.log_softmax(taught.masked_fill(illegal, -torch.inf), 1)
    apart = theirs.exp() * (theirs.masked_fill(illegal, 0) - ours)
    return mass.sum(), apart.sum()
