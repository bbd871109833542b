"""Where functions begin and end: a scanner for C++ as clang-format writes it, and Python's own parser."""
import ast
import re

_BLANKED = re.compile(r'R"([^\s()\\]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)
_TYPE = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union|enum)\b", re.S)
_SCOPE = re.compile(r'^\s*(?:inline\s+)?(?:namespace\b|extern\s*"")', re.S)


def _blank(found):
    """A literal or comment as spaces; digit separators (1'000) stay, they begin no character."""
    text = found.group()
    return ('""' if text[0] in 'R"' else "  ") + re.sub(r"[^\n]", " ", text)[2:]


def without_text(source):
    """Source of the same length and lines without comments, strings, and preprocessor lines."""
    source = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", source)
    source = _BLANKED.sub(_blank, source)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), source, flags=re.M)


def _kind(statement, outer):
    """What a brace opens, from the text of its statement so far."""
    if _SCOPE.match(statement):
        return "scope"
    if outer in ("function", "block"):
        return "block"
    if _TYPE.match(statement) and not re.search(r"\)\s*(?:const|noexcept|override|final)?\s*$", statement):
        return "scope"
    if ")" not in statement or re.search(r"=\s*$", statement):
        return "block"
    if re.search(r"[\w>]\s*$", statement) and re.search(r"\)\s*:(?!:)", statement) and not re.search(
            r"\b(?:const|noexcept|override|final)\s*$", statement):
        return "member"  # a member that a constructor initializes with braces
    return "function"


def cpp_functions(source):
    """(name, first line, last line) of every function that is defined at namespace or class level."""
    text = without_text(source)
    out, stack, statement, begin = [], [], "", None
    for at, c in enumerate(text):
        if c == "{":
            kind = _kind(statement, stack[-1][0] if stack else "scope")
            stack.append((kind, statement, begin if begin is not None else at))
            if kind != "member":
                statement, begin = "", None
        elif c == "}" and stack:
            kind, head, start = stack.pop()
            if kind == "function":
                head = re.sub(r"__\w+__\s*\([^()]*\)|<[^<>]*>", "", head)
                name = re.search(r"([~\w:]*(?:operator\s*\S+?|[~\w]))\s*\(", head)
                out.append((name.group(1) if name else "?", text.count("\n", 0, start) + 1,
                            text.count("\n", 0, at) + 1))
            if kind == "member":
                statement += "{}"
            else:
                statement, begin = "", None
        elif c == ";" or (c == ":" and re.fullmatch(r"\s*(?:public|private|protected)", statement)):
            statement, begin = "", None
        else:
            if begin is None and not c.isspace():
                begin = at
            statement += c
    return out


def python_functions(source):
    """The same of Python, nested functions left out."""
    def walk(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield child.name, child.lineno, child.end_lineno
            else:
                yield from walk(child)

    return list(walk(ast.parse(source)))
