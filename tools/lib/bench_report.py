"""Rows of the benchmark's table: what they mean, whether they pass, and how they are shown."""
import dataclasses
import statistics
from typing import Optional

import timing


@dataclasses.dataclass
class Row:
    """One line: ours beside a peer or a limit. Times are in ns, sizes in bytes; what has no interval is exact."""
    group: str
    what: str
    ours: float
    unit: str = "ns"
    peer: str = ""                          # what it is compared with, if anything
    theirs: Optional[float] = None
    interval: Optional[tuple] = None        # 95 % of the ratio, low and high; of `ours` where there is no peer
    budget: str = ""                        # "<= 1.25": ours at most so many times theirs; ">= 5": theirs at least, of ours
    samples: int = 1                        # how many values the interval is of

    @property
    def label(self):
        return f"{self.what} / {self.peer}" if self.peer else self.what

    @property
    def value(self):
        """What a budget speaks of: the ratio, in its direction; without a peer, ours."""
        if not self.theirs:
            return self.ours
        return self.theirs / self.ours if self.more_is_better else self.ours / self.theirs

    @property
    def more_is_better(self):
        return self.budget.startswith(">=")


def measured(group, what, ours, peer="", theirs=None, budget="", unit="ns", paired=False):
    """A row of samples: medians, and the ratio with its interval, unless they are all equal. Paired: the n-th of both were
    measured in one round."""
    row = Row(group, what, statistics.median(ours), unit, budget=budget, samples=len(ours))
    if theirs is not None:
        row.peer, row.theirs = peer, statistics.median(theirs)
    if len(set(ours)) == len(set(theirs or [0])) == 1 < len(ours):
        return row
    if theirs is None:
        low, _, high = timing.interval(ours)
    else:
        a, b = (theirs, ours) if row.more_is_better else (ours, theirs)
        low, _, high = timing.ratio(a, b) if paired else timing.bootstrap_ratio(a, b)
    row.interval = (low, high)
    return row


def judge(row):
    """"pass" or "SHORT", by the whole interval; where it lies on both sides of the budget, the ratio decides and the result says
    so. "" where nothing is required."""
    if not row.budget:
        return ""
    limit = float(row.budget[2:])

    def holds(value):
        return value >= limit if row.more_is_better else value <= limit

    result = "pass" if holds(row.value) else "SHORT"
    sure = all(holds(value) == holds(row.value) for value in row.interval or ())
    return result if sure else f"{result} (straddles)"


def quantity(value, unit):
    if unit == "ns":
        return timing.readable(value)
    if value >= 10_000:
        return f"{value / 1024:.1f} KiB"
    return f"{value:.0f} B" if value == int(value) else f"{value:.1f} B"


def number(value):
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def ratio(row):
    """The ratio with its interval; small ones as fractions, unless a budget has to be read beside them."""
    if not row.theirs:
        return ""
    low, high = row.interval or (row.value, row.value)
    if row.value < 0.1 and not row.budget and low > 0:
        text, ends = f"1/{number(1 / row.value)}", (f"1/{number(1 / low)}", f"1/{number(1 / high)}")
    else:
        text, ends = number(row.value), (number(low), number(high))
    return f"{text} ({ends[0]} .. {ends[1]})" if row.interval else text


def groups(rows):
    found = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return found


def cells(row):
    theirs = quantity(row.theirs, row.unit) if row.theirs is not None else ""
    return row.what, quantity(row.ours, row.unit), row.peer, theirs, ratio(row), row.budget, judge(row)


def text(rows):
    header = ("", "ours", "compared with", "", "ratio (95 %)", "budget", "")       # of few repetitions: all; see timing.interval
    table = [header] + [cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    left = (0, 2, 6)                       # words; the others are numbers

    def line(row):
        return "  " + "  ".join(f"{cell:{'<' if n in left else '>'}{widths[n]}}" for n, cell in enumerate(row)).rstrip()

    lines = [line(header)]
    for group, members in groups(rows).items():
        lines += ["", group, *(line(cells(row)) for row in members)]
    return "\n".join(lines)


def markdown(rows, names=None):
    """Tables of Markdown, one for each group; of `names`, {how to call it: label}, one table of those rows only."""
    header = ["| what | ours | compared with | ratio | budget |", "|---|---|---|---|---|"]

    def line(name, row):
        _, ours, peer, theirs, times, budget, result = cells(row)
        return f"| {name} | {ours} | {', '.join(filter(None, (peer, theirs)))} | {times} | {f'{budget} {result}'.strip()} |"

    if names is not None:
        by_label = {row.label: row for row in rows}
        return "\n".join(header + [line(name, by_label[label]) for name, label in names.items() if label in by_label])
    return "\n\n".join("\n".join([f"**{group}**", "", *header] + [line(row.what, row) for row in members])
                       for group, members in groups(rows).items())


def compare(rows, base):
    """Lines: what changed against the rows of another run. A time is better or worse only where each ratio lies outside the
    other's interval; of what is exact, any change counts."""
    before, lines = {(row.group, row.label): row for row in base}, []
    for row in rows:
        old = before.pop((row.group, row.label), None)
        if old is None:
            lines.append(f"  {row.label:80} new: {number(row.value)}")
            continue
        if row.value == old.value:
            continue
        change = row.value / old.value if old.value else float("inf")
        both = row.interval and old.interval
        apart = not both or (outside(row.value, old.interval) and outside(old.value, row.interval))
        better = (change > 1) == row.more_is_better
        lines.append(f"  {row.label:80} {number(old.value):>8} -> {number(row.value):>8}  x {change:.3f}"
                     f"  {('better' if better else 'worse') if apart else ''}".rstrip())
    gone = [label for _, label in before]                  # many where one of the two was --quick, or without a peer
    return lines + [f"  not measured now, but then: {', '.join(gone[:3])}{f' and {len(gone) - 3} more' if gone[3:] else ''}"] * bool(gone)


def outside(value, ends):
    return not ends[0] <= value <= ends[1]
