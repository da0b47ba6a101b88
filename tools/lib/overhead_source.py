"""Takes instrumentation out of C++ sources, textually: the preprocessor would not leave the lines where they are."""
import re

MACROS = ("APM", "APM_TIME", "APM_TRACE_SCOPE", "APM_TRACE_FUNCTION", "TRACE_SCOPE", "TRACE_FUNCTION")
NOTHING = "static_cast<void>(0)"

TOKEN = re.compile(r"""
      (?P<gap>      [^\S\n]+ | \\\n | //(?:\\\n|[^\n])* | /\*.*?\*/ )
    | (?P<newline>  \n )
    | (?P<text>     (?:u8|[uUL])?R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+' )
    | (?P<number>   \.?\d(?:[eEpP][+-]|'?[\w.])* )
    | (?P<word>     [^\W\d]\w* )
    | (?P<other>    . )""", re.X | re.S)


def tokens(source):
    """[(kind, text)]; together they are the source."""
    return [(match.lastgroup if match.lastgroup != "mark" else "text", match[0]) for match in TOKEN.finditer(source)]


def behind(found, n):
    """The next token that is not a gap, a new line or a comment."""
    while n < len(found) and found[n][0] in ("gap", "newline"):
        n += 1
    return n


def end_of_call(found, n):
    """Behind the parenthesis that closes the one at n; None if none does."""
    depth = 0
    for i in range(n, len(found)):
        depth += {("other", "("): 1, ("other", ")"): -1}.get(found[i], 0)
        if depth == 0:
            return i + 1
    return None


def placeholder(call):
    """Nothing, with as many lines and, where there is room, columns as the call: what stands behind it stays where it was."""
    lines = call.count("\n")
    if lines == 0:
        return NOTHING.ljust(len(call))
    return NOTHING + "\n" * lines + " " * (len(call) - call.rindex("\n") - 1)


def stripped(source, macros=()):
    """(the source in which every invocation of the macros is nothing, how many there were). Directives stay as they are: a macro
    may be defined by another."""
    names, found = {*MACROS, *macros}, tokens(source)
    result, count, n, begins_line, directive = [], 0, 0, True, False
    while n < len(found):
        kind, text = found[n]
        if kind == "newline":
            begins_line, directive = True, False
        elif kind != "gap":
            directive = directive or begins_line and text == "#"
            begins_line = False
        opening = behind(found, n + 1) if kind == "word" and text in names and not directive else len(found)
        if opening < len(found) and found[opening][1] == "(" and (end := end_of_call(found, opening)):
            result.append(placeholder("".join(text for _, text in found[n:end])))
            n, count = end, count + 1
        else:
            result.append(text)
            n += 1
    return "".join(result), count
