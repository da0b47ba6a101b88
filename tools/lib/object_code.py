"""Reads object files, by binutils: what is in them, how two differ, and the paths through their functions."""
import re
import subprocess
import tempfile


def tool(command, *arguments, of):
    """What binutils print about an object file, given as bytes."""
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        file.write(of)
        file.flush()
        ran = subprocess.run([command, *arguments, file.name], capture_output=True, text=True, check=True)
        return ran.stdout.replace(file.name, "")


def sections(code):
    """[(number, name, kind, the rest of its header)]"""
    found = re.findall(r"^ *\[ *(\d+)\] +(\S+) +([A-Z]\w*) +\S+ +\S+ +(.*)$", tool("readelf", "-SW", of=code), re.M)
    return [(number, name, kind, rest) for number, name, kind, rest in found if kind != "NULL"]


def symbols(code):
    """[(name, its size, type, binding, visibility)]; sections and files are symbols too."""
    return [(name, about) for about, name in
            re.findall(r"^ *\d+: \S+ +(\d+ \S+ +\S+ +\S+) +\S+ +(\S+)", tool("readelf", "-sW", of=code), re.M)]


def functions(code):
    """{function: (its bytes, [instruction and what it refers to], {what it calls})}"""
    sizes = {name: int(about.split()[0]) for name, about in symbols(code) if about.split()[1] in ("FUNC", "IFUNC")}
    result = {}
    for name, body in instructions(code).items():
        lines = [f"{re.sub(r'[0-9a-f]+ (?=<)', '', text)} {elsewhere}" for _, text, elsewhere in body]
        calls = {re.sub(r"[-+]0x[0-9a-f]+$", "", elsewhere) for _, text, elsewhere in body
                 if re.match(r"call|jmp", text) and elsewhere and elsewhere[0] != "."}
        if name in sizes:
            result[name] = (sizes[name], lines, calls)
    return result


def parts(code):
    """{what: content}: every section with its flags and bytes (code, data, unwind tables, notes, relocations), every symbol."""
    result = {}
    for number, name, kind, rest in sections(code):
        content = "" if kind == "NOBITS" else tool("readelf", "-x", number, of=code)
        result.setdefault(f"section {name}", []).append((kind, rest, content))
    for name, about in symbols(code):
        result.setdefault(f"symbol {name}", []).append(about)
    return result


def differences(a, b, only_a, only_b):
    """What of two object files is not the same in both, in words; nothing if they are equal, byte for byte. `only_a` says where
    something is that only the first has: "only with APM off"."""
    if a == b:
        return []
    a, b = parts(a), parts(b)
    found = [f"{what}: {only_a}" for what in a.keys() - b.keys()] + [f"{what}: {only_b}" for what in b.keys() - a.keys()]
    found += [f"{what}: differs" for what in a.keys() & b.keys() if a[what] != b[what]]
    return sorted(found) or ["the same parts, in another order"]


def instructions(code):
    """{function: [[address, text, what it refers to elsewhere or ""]]}, without padding."""
    result = {}
    said = tool("objdump", "-dr", "--no-show-raw-insn", of=code)
    for name, body in re.findall(r"^[0-9a-f]+ <([^>]+)>:\n((?:.+\n)+)", said, re.M):
        found = result.setdefault(name, [])
        for line in body.splitlines():
            if match := re.match(r"\s*([0-9a-f]+):\t(?:(?:data16|cs) )*(.*?)\s*$", line):
                if not re.match(r"nop|xchg\s+%ax,%ax", match[2]):
                    found.append([int(match[1], 16), match[2], ""])
            elif (match := re.search(r"R_X86_64_\w+\s+(\S+)", line)) and found:
                found[-1][2] = match[1]
    return result


def paths(body):
    """Every way from the entry out of a function, as lists of instructions; none takes an instruction twice."""
    at = {address: n for n, (address, _, _) in enumerate(body)}
    found, open_ends = [], [(0, (), frozenset())]
    while open_ends and len(found) < 10_000:
        n, path, seen = open_ends.pop()
        while n is not None and n < len(body) and n not in seen:
            address, text, leaves = body[n]
            path, seen, n = (*path, text), seen | {n}, n + 1
            if not (jump := re.match(r"j(\w+)\s+([0-9a-f]+)", text)):
                if text.startswith("ret"):
                    break
                continue
            target = at.get(int(jump[2], 16)) if not leaves else None
            if jump[1] == "mp":
                if target is None:                 # a call, at the end
                    path = (*path[:-1], f"call {text}")
                n = target
            elif target is not None:
                open_ends.append((target, path, seen))     # elsewhere is another function: the cold side
        if n not in seen:                          # else it went round in a circle
            found.append(path)
    return found
