"""Reads what valgrind's callgrind writes (its format: https://valgrind.org/docs/manual/cl-format.html)."""
import re

NAME = re.compile(r"(c?(?:fn|fl|fi|fe|ob))=(?:\((\d+)\))?\s*(.*)")
COST = re.compile(r"0x|[+\-*\d]")


def trigger(text):
    """What the program gave to CALLGRIND_DUMP_STATS_AT; "" if it was something else that had this written."""
    found = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
    return found[1] if found else ""


def costs(text):
    """[(function, file, position, instructions)]: what each function did itself, without what it called. The file is the one from
    which an instruction was inlined; the position its address (--dump-instr=yes), else its line."""
    names = {"fl": {}, "fn": {}}
    columns = len(re.search(r"^positions: (.*)$", text, re.M)[1].split())
    function = file = own_file = ""
    position, called = 0, False
    for line in text.splitlines():
        if match := NAME.match(line):
            key, number, name = match.groups()
            known = names["fn" if key.endswith("fn") else "fl"] if not key.endswith("ob") else {}
            if number:
                name = known.setdefault(number, name) if name else known.get(number, "")
            if key == "fn":
                function, file = name, own_file
            elif key == "fl":
                file = own_file = name
            elif key in ("fi", "fe"):
                file = name
        elif line.startswith("calls="):
            called = True           # the next line is what the callee cost
        elif COST.match(line):
            words = line.split()
            position = moved(position, words[0])
            if not called and len(words) > columns:
                yield function, file, position, int(words[columns])
            called = False


def moved(position, word):
    """The next position: a number, or a step from the last one."""
    if word == "*":
        return position
    return position + int(word) if word[0] in "+-" else int(word, 0)


def plain(function):
    """Without the version of a library's symbol, and what callgrind appends to a recursion."""
    return re.sub(r"@@?[A-Z]\w*_[\d.]+|'\d+$", "", function)


def bare(function):
    """Without parameters, template arguments, return type and the version of our namespace."""
    name, before = function.replace("(anonymous namespace)::", ""), None
    while name != before:
        name, before = re.sub(r"<[^<>]*>", "", name), name
    return re.sub(r"\bv\d+::", "", re.sub(r"\(.*", "", name)).split(" ")[-1] or function
