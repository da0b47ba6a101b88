"""What tools/overhead found, for people: a table, Markdown for a pull request, and a picture."""
from html import escape
from pathlib import Path

from overhead_count import ORDER

COLOURS = dict(zip(ORDER, (("#2f6fde", "#6ea3ff"), ("#0f9d8a", "#3fd0bb"), ("#c77d0a", "#f0b34a"), ("#8b4bd8", "#b98bf5"),
                           ("#d0455f", "#ff8095"), ("#6b7686", "#98a5b8"), ("#b9c1cc", "#566070"))))    # light, dark


def cells(report):
    """[[text]]: the rows of the table of cases, with its head."""
    rows = [["case", "on", "off", "overhead", "budget", "since baseline", "time on/off",
             "95 %" if report.get("rounds", 0) >= 6 else "range"]]           # see timing.interval
    for case, one in report["cases"].items():
        time = one.get("time", {}).get("on")
        counted = "overhead" in one
        rows.append([case, *((f"{one[key]:.1f}" if counted else "-") for key in ("on", "off", "overhead")),
                     f"{one['budget']:g}" if one.get("budget") is not None else "-",
                     f"{one['overhead'] - one['baseline']:+.1f}" if counted and one.get("baseline") is not None else "-",
                     f"{time[1]:.2f}" if time else "-", f"{time[0]:.2f} to {time[2]:.2f}" if time else "-"])
    columns = [n for n in range(len(rows[0])) if n == 0 or any(row[n] != "-" for row in rows[1:])]
    return [[row[n] for n in columns] for row in rows]


def in_words(report):
    """One line about a source for the table; problems are said elsewhere."""
    file, levels = Path(report["file"]).name, ", ".join(report["levels"])
    if report["problems"]:
        return f"{file}: FAILS"
    if not report["beyond_macros"]:
        return f"{file}: off is nothing: the object file is that of the source without its macros and apm, byte for byte ({levels})"
    where, what = report["beyond_macros"][0]
    more = len(report["beyond_macros"]) - 1
    left = ", ".join(f"{name} ({size} bytes)" for name, size in report["remains"][:4])
    others = f" and {more} more line{'s'[:more > 1]}" if more else ""
    return (f"{file}: the macros are nothing ({levels}); it uses more than them: {where}{others} ({what}); "
            f"of apm there remains {left or 'nothing'}")


def files_in_time(report):
    """[line]: what each file contributes to the time of each case, where one says more than noise."""
    lines = []
    for case, one in report["cases"].items():
        shares = [f"{name.removeprefix('without ')} {(low_mid_high[1] - 1) * 100:+.0f} % ({(low_mid_high[0] - 1) * 100:+.0f} to "
                  f"{(low_mid_high[2] - 1) * 100:+.0f})" for name, low_mid_high in one.get("time", {}).items() if name != "on"]
        if shares:
            lines.append(f"{case}: {', '.join(shares)}")
    return lines


def made_by(report):
    """[(case, which instruments its overhead comes from)]"""
    for case, one in report["cases"].items():
        shares = [(name, n) for name, n in one.get("instruments", {}).items() if abs(n) >= 0.5]
        if shares:
            yield case, ", ".join(f"{name} {n:.0f}" for name, n in sorted(shares, key=lambda item: -item[1]))


def table(report):
    lines = []
    if report["off"]:
        lines += ["APM_ENABLED=0"] + [f"  {in_words(one)}" for one in report["off"]] + [""]
    if report["cases"]:
        rows = cells(report)
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        lines.append("instructions an iteration, by callgrind; times are reported, not judged")
        lines += ["  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        lines += [f"  {case}: {shares}" for case, shares in made_by(report)]
        lines.append("")
    if times := files_in_time(report):
        lines += ["what a file's instrumentation adds to the time"] + [f"  {line}" for line in times] + [""]
    lines += [f"not counted: {line}" for line in report["notes"]]
    machine = report["machine"]
    lines.append(f"{report['compiler']}, {machine['processor']}, {machine['cores']} cores, load {machine['load']}"
                 + (f", noise of the times {report['noise'] * 100:.0f} %" if report.get("noise") else ""))
    return "\n".join(lines + ["", *result(report)]) + "\n"


def result(report):
    return report["problems"] or [f"{report['name']}: passed"]


def markdown(report):
    lines = [f"### {report['name']}: {'**failed**' if report['problems'] else 'passed'}", ""]
    lines += [f"* {line}" for line in report["problems"]] + ([""] if report["problems"] else [])
    if report["cases"]:
        rows = [[text.replace("|", "\\|") for text in row] for row in cells(report)]
        lines += [f"| {' | '.join(rows[0])} |", "|---" + "|---:" * (len(rows[0]) - 1) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in rows[1:]]
        lines += ["", "Instructions an iteration, by callgrind. Times are reported, not judged.", ""]
        lines += [f"* `{case}`: {shares}" for case, shares in made_by(report)]
        lines.append("")
    if report["off"]:
        lines += ["With `APM_ENABLED=0`:", ""] + [f"* {in_words(one)}" for one in report["off"]] + [""]
    lines += [f"Not counted: {line}  " for line in report["notes"]]
    return "\n".join(lines).rstrip() + "\n"


# --- the picture ------------------------------------------------------------------------------------------------------

WIDTH, LEFT, BAR, STEP = 860, 190, 22, 46


def legend(used, y):
    """Names beside squares, in one line or two."""
    parts, x = [], 24
    for name in used:
        if x + 30 + 7.2 * len(name) > WIDTH:
            x, y = 24, y + 22
        parts.append(f'<rect class="{css(name)}" x="{x}" y="{y - 10}" width="12" height="12" rx="3"/>'
                     f'<text x="{x + 18}" y="{y}">{escape(name)}</text>')
        x += 38 + 7.2 * len(name)
    return parts, y


def css(name):
    return "i-" + name.replace(" ", "-")


def bar(case, one, y, scale):
    """A case: what each instrument adds, its sum, its budget as a line."""
    name = case if len(case) <= 24 else case[:22] + "\u2026"
    parts = [f'<text class="case" x="{LEFT - 14}" y="{y + 15}" text-anchor="end">{escape(name)}</text>']
    x = float(LEFT)
    for name in ORDER:
        n = max(one["instruments"].get(name, 0), 0)
        width = n * scale
        if width <= 0:
            continue
        parts.append(f'<rect class="{css(name)}" x="{x:.1f}" y="{y}" width="{max(width - 1, 0.5):.1f}" height="{BAR}" rx="2">'
                     f"<title>{escape(case)}: {escape(name)} {n:.1f}</title></rect>")
        if width > 26:
            parts.append(f'<text class="in" x="{x + (width - 1) / 2:.1f}" y="{y + 15}" text-anchor="middle">{n:.0f}</text>')
        x += width
    budget = one.get("budget")
    if budget is not None:
        at = LEFT + budget * scale
        parts.append(f'<line class="budget" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 5}" y2="{y + BAR + 5}"/>')
    over = budget is not None and one["overhead"] > budget
    said = f"{one['overhead']:.0f}" + (f" of {budget:g}" if budget is not None else "")
    end = max(x, LEFT + budget * scale if budget is not None else 0)
    parts.append(f'<text class="sum{" over" if over else ""}" x="{end + 10:.1f}" y="{y + 15}">{said}</text>')
    return parts


def svg(report):
    counted = {case: one for case, one in report["cases"].items() if "instruments" in one}
    lengths = [sum(max(n, 0) for n in one["instruments"].values()) for one in counted.values()]
    widest = max([1.0, *lengths, *(one.get("budget") or 0 for one in counted.values())])
    scale = (WIDTH - LEFT - 130) / widest
    used = [name for name in ORDER if any(one["instruments"].get(name, 0) >= 0.5 for one in counted.values())]
    parts = [f'<text class="title" x="24" y="36">{escape(report["name"])}: what instrumentation costs</text>',
             '<text class="note" x="24" y="58">instructions an iteration, on minus off; the line is the budget</text>']
    squares, y = legend(used, 88)
    parts += squares
    y += 24
    for case, one in counted.items():
        parts += bar(case, one, y, scale)
        y += STEP
    if not counted:
        parts.append(f'<text x="24" y="{y + 15}">nothing was counted</text>')
        y += STEP
    style = "".join(f".{css(name)}{{fill:{light}}}" for name, (light, _) in COLOURS.items())
    dark = "".join(f".{css(name)}{{fill:{colour}}}" for name, (_, colour) in COLOURS.items())
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 4}" width="{WIDTH}" height="{y + 4}" role="img">
<title>{escape(report["name"])}: instructions an iteration that instrumentation costs</title>
<style>
text{{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2733;font-variant-numeric:tabular-nums}}
.title{{font-size:19px;font-weight:600}}.note{{fill:#667181}}.case,.sum{{font-weight:600}}.over{{fill:#c8102e}}
.in{{fill:#fff;font-size:12px}}.page{{fill:#fff}}.budget{{stroke:#1f2733;stroke-width:1.5;stroke-dasharray:3 2}}
{style}.i-the-rest+.in{{fill:#1f2733}}
@media(prefers-color-scheme:dark){{text{{fill:#e6ebf2}}.page{{fill:#12161c}}.note{{fill:#93a0b1}}.over{{fill:#ff6b81}}
.in{{fill:#10141a}}.budget{{stroke:#e6ebf2}}{dark}.i-the-rest+.in{{fill:#fff}}}}
</style>
<rect class="page" width="100%" height="100%" rx="8"/>
{chr(10).join(parts)}
</svg>
"""
