"""Whether two samples differ by more than chance."""

from collections.abc import Sequence
from itertools import groupby
from math import erfc, sqrt
from random import Random
from statistics import median

RESAMPLES = 2000


def difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """By how much the median of `one` is above that of `other`, and the 95 % interval in which it
    lies when both are drawn anew from themselves (percentile bootstrap)."""
    draw = Random(7)
    drawn = sorted(
        median(draw.choices(one, k=len(one))) - median(draw.choices(other, k=len(other)))
        for _ in range(RESAMPLES)
    )
    cut = RESAMPLES // 40
    return median(one) - median(other), drawn[cut], drawn[-cut - 1]


def rank_sum(one: Sequence[float], other: Sequence[float]) -> float:
    """How probable a difference of ranks as large as this is where there is none (Mann and Whitney,
    two-sided, normal approximation with ties)."""
    n, m = len(one), len(other)
    both = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks, ties, before = 0.0, 0.0, 0
    for _value, group in groupby(both, key=lambda pair: pair[0]):
        mine = [own for _same, own in group]
        ranks += sum(mine) * (before + (len(mine) + 1) / 2)
        ties += len(mine) ** 3 - len(mine)
        before += len(mine)
    spread = sqrt(n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1))))
    return erfc(abs(ranks - n * (n + m + 1) / 2) / spread / sqrt(2)) if spread else 1.0
