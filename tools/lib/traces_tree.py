"""Spans from OTLP/JSON lines, and whole traces as text, whichever processes they went through."""
import json
from collections import defaultdict
from dataclasses import dataclass, field

LONGEST_VALUE = 200
ERROR = 2


@dataclass
class Span:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    failed: bool
    message: str
    attributes: list
    events: list
    children: list = field(default_factory=list)


def value_of(any_value):
    """What stands in an attribute; lists and maps within as Python's."""
    if not any_value:
        return None
    (kind, v), = list(any_value.items())[:1]
    if kind == "intValue":
        return int(v)
    if kind == "arrayValue":
        return [value_of(part) for part in v.get("values", [])]
    if kind == "kvlistValue":
        return dict(attributes_of(v, "values"))
    return v


def attributes_of(of, key="attributes"):
    return [(a["key"], value_of(a.get("value"))) for a in of.get(key, [])]


def is_error(span):
    return span.get("status", {}).get("code") in (ERROR, "STATUS_CODE_ERROR")


def spans_of(line):
    """Each span of a line, as it is there, and the service that it is of."""
    for resource in json.loads(line).get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                yield span, resource


def span_of(s, resource):
    service = dict(attributes_of(resource.get("resource", {}))).get("service.name", "unknown_service")
    return Span(str(service), s.get("name", ""), s["traceId"].lower(), s["spanId"].lower(), s.get("parentSpanId", "").lower(),
                int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"]), is_error(s), s.get("status", {}).get("message", ""),
                attributes_of(s),
                [(int(e.get("timeUnixNano", 0)), e.get("name", ""), attributes_of(e)) for e in s.get("events", [])])


class Summary:
    """What is kept of a trace until it is chosen: files may be larger than memory."""
    __slots__ = "start", "failed", "named", "ids", "parents"

    def __init__(self):
        self.start, self.failed, self.named, self.ids, self.parents = 2**64, False, False, set(), set()

    def is_whole(self):
        return self.parents <= self.ids


def each_line(paths):
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                yield path, number, line


def summaries_of(paths, name, complain):
    """By trace. A line that is none of OTLP's is complained of, and passed over."""
    found = defaultdict(Summary)
    for path, number, line in each_line(paths):
        try:
            for s, _ in spans_of(line):
                trace = found[s["traceId"].lower()]
                trace.start = min(trace.start, int(s["startTimeUnixNano"]))
                trace.failed = trace.failed or is_error(s)
                trace.named = trace.named or name is None or s.get("name") == name
                trace.ids.add(s["spanId"].lower())
                if s.get("parentSpanId"):
                    trace.parents.add(s["parentSpanId"].lower())
        except (ValueError, KeyError, TypeError, AttributeError):
            complain(f"{path}:{number}: this is no OTLP/JSON")
    return found


def read(paths, error, name, trace_id, most, complain):
    """The traces that are asked for, in order of time."""
    found = {trace: of for trace, of in summaries_of(paths, name, complain).items()
             if trace.startswith(trace_id) and of.named and (of.failed or not error)}
    chosen = sorted(found, key=lambda trace: (found[trace].is_whole(), found[trace].start))[-most:]
    spans = {trace: [] for trace in chosen}
    for _, _, line in each_line(paths if chosen else []):
        if len(chosen) <= 10 and not any(trace in line.lower() for trace in chosen):
            continue
        try:
            for s, resource in spans_of(line):
                if (trace := s["traceId"].lower()) in spans:
                    spans[trace].append(span_of(s, resource))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue    # said before
    return [Trace(spans[trace]) for trace in sorted(chosen, key=lambda trace: found[trace].start) if spans[trace]]


class Trace:
    """The spans of one trace, linked. Roots are those that have no parent here."""

    def __init__(self, spans):
        self.spans = sorted(spans, key=lambda s: (s.start, -s.end))
        by_id = {}
        for s in self.spans:
            by_id.setdefault(s.id, s)
        self.roots, self.missing = [], []   # missing: spans whose parent is
        for s in self.spans:
            parent = by_id.get(s.parent) if s.parent and s.parent != s.id else None
            if parent is not None:
                parent.children.append(s)
            else:
                self.roots.append(s)
                if s.parent:
                    self.missing.append(s)
        # No program records a circle; in a made-up or damaged file, it must not be lost.
        reached = {id(s) for s, *_ in self.walk()}
        while lost := next((s for s in self.spans if id(s) not in reached), None):
            by_id[lost.parent].children.remove(lost)
            self.roots.append(lost)
            reached |= {id(s) for s, *_ in self.walk([lost])}

    def walk(self, roots=None):
        """Each span behind its parent, with the lines that lead to it."""
        waiting = [(s, "", "") for s in reversed(self.roots if roots is None else roots)]
        while waiting:
            span, lead, below = waiting.pop()
            yield span, lead, below
            for i, child in enumerate(reversed(span.children)):
                waiting.append((child, below + ("├─ " if i else "└─ "), below + ("│  " if i else "   ")))


def safe(text):
    """Names and values may come from strangers: no control character gets to the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def short_time(nanoseconds):
    for size, unit in (10**9, "s"), (10**6, "ms"), (10**3, "us"):
        if nanoseconds >= size:
            n = nanoseconds / size
            return f"{n:.{2 if n < 9.995 else 1 if n < 99.95 else 0}f} {unit}"
    return f"{nanoseconds} ns"


def shown(attributes):
    def one(v):
        text = safe(json.dumps(v, ensure_ascii=False, default=str))
        return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
    return "".join(f" {safe(name)}={one(v)}" for name, v in attributes)


def cut(text, room):
    return text if room is None or len(text) <= room else text[:max(0, room - 1)] + "…"


def as_text(trace, columns=None):
    """Attributes are cut where a line would be longer than `columns`: what is broken into two lines is no tree any more."""
    services = list(dict.fromkeys(s.service for s, *_ in trace.walk()))
    width = max(map(len, map(safe, services)))
    took = max(s.end for s in trace.spans) - trace.spans[0].start
    failed = sum(s.failed for s in trace.spans)
    lines = [f"trace {trace.spans[0].trace}: {len(trace.spans)} spans of {', '.join(map(safe, services))}; {short_time(took)}"
             + (f"; {failed} with an error" if failed else "")]

    def put(head, attributes, tail=""):
        lines.append(head + cut(shown(attributes), columns and columns - len(head) - len(tail)) + tail)

    for s, lead, below in trace.walk():
        tail = ""
        if s.failed:
            tail += "  ERROR" + (f": {safe(s.message)}" if s.message else "")
        if s in trace.missing:
            tail += f"  (its parent {safe(s.parent)} is not here)"
        put(f"{short_time(max(0, s.end - s.start)):>8}  {safe(s.service):<{width}}  {lead}{safe(s.name)}", s.attributes, tail)
        for when, name, attributes in s.events:
            lead = below + ("│  " if s.children else "   ")
            put(f"{'':8}  {'':{width}}  {lead}+{short_time(max(0, when - s.start))} {safe(name)}", attributes)
    return "\n".join(lines) + "\n"
