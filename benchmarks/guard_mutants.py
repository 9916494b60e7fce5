"""Would the tests notice if the guard's code were a little wrong? Small mutations, each judged by the case lists.

Takes a sample of places in the modules that read and judge (an operator turned round, a constant changed, a condition
negated, a `return` emptied), changes one at a time in memory, and judges the lists and the single cases of
tests/hooks again. A mutant is *killed* when some answer differs or it raises. Survivors are printed with their place:
each is a missing case, or code that makes no difference. Coverage by other tests is not counted, so the true rate is
higher. Not part of `make test`: a mutant takes about a second.
"""

import argparse
import ast
import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
HOOKS = REPOSITORY / "hooks"
LISTS = REPOSITORY / "tests" / "hooks"
CWD, HOME = "/home/dev/work/shop", "/home/dev"
LEFT_OUT = {"guard_hook", "guard_log", "guard_policy"}
"""Modules whose own tests go through the process; a change of their files is not seen in memory."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
CHILD = """
import builtins, json, sys
request = json.load(sys.stdin)
sys.path.insert(0, request["hooks"])
if request["module"]:
    import importlib.util
    name = request["module"]
    module = importlib.util.module_from_spec(importlib.util.find_spec(name))
    sys.modules[name] = module
    exec(compile(request["source"], name, "exec"), module.__dict__)
from guard_rules import Judge
answers = []
for tool, given, cwd in request["calls"]:
    judge = Judge(cwd, request["home"], request["hooks"])
    try:
        judge.judge(tool, given)
    except Exception as error:
        answers.append("raised " + type(error).__name__)
        break
    stop = judge.stop
    answers.append([stop.decision, stop.rule] if stop else None)
    if request["expected"] and request["expected"][len(answers) - 1] != answers[-1]:
        break
print(json.dumps(answers))
"""


def calls() -> list[tuple[str, dict[str, Any], str]]:
    """Give every tool call of the case lists and of the tests' own tables."""
    found = []
    for file in sorted((LISTS / "corpus").glob("*.jsonl")):
        for line in filter(None, file.read_text().splitlines()):
            case = json.loads(line)
            given = case.get("tool_input") or {"command": case["command"]}
            found.append((case.get("tool", "Bash"), given, case.get("cwd", CWD)))
    commands: list[str] = []
    for file in sorted(LISTS.glob("test_guard_*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Dict | ast.Tuple):
                commands += [text.value for text in ast.walk(node.value) if is_text(text)]  # type: ignore[attr-defined]
    # Single cases first: they are the quickest to tell a mutant.
    return [("Bash", {"command": command}, CWD) for command in commands if " " in command] + found


def is_text(node: ast.AST) -> bool:
    """Tell whether a node is a string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def mutants_of(tree: ast.Module) -> list[tuple[str, int, ast.AST, ast.AST]]:
    """Give the possible changes of a module: what, its line, the node in the tree, and what replaces it."""
    found: list[tuple[str, int, ast.AST, ast.AST]] = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            found += [(what, getattr(node, "lineno", 0), node, new) for what, new in changes(node)]
    return found


def changes(node: ast.AST) -> list[tuple[str, ast.AST]]:
    """Give the changes of one node."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        new = copy.deepcopy(node)
        new.ops[0] = COMPARISONS[type(node.ops[0])]()
        return [(f"{type(node.ops[0]).__name__} to {type(new.ops[0]).__name__}", new)]
    if isinstance(node, ast.BoolOp):
        swapped = copy.deepcopy(node)
        swapped.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return [("and/or swapped", swapped)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [("not removed", copy.deepcopy(node.operand))]
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return [("number + 1", ast.Constant(node.value + 1))]
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        return [("truth negated", ast.Constant(not node.value))]
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
        return [("returns None", ast.Return(ast.Constant(None)))]
    if isinstance(node, ast.If):
        never = copy.deepcopy(node)
        never.test = ast.Constant(False)
        return [("condition never", never)]
    return []


class Replace(ast.NodeTransformer):
    """Puts one node in another's place."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as the base class has it
        """Give the replacement, or go on."""
        return ast.copy_location(self.new, node) if node is self.old else super().visit(node)


def answers(given: list[tuple[str, dict[str, Any], str]], expected: list[Any], module: str, source: str) -> list[Any]:
    """Judge the calls in a process of their own; it ends at the first answer that is not the expected one."""
    request = {"hooks": str(HOOKS), "home": HOME, "calls": given, "expected": expected}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", CHILD],
            input=json.dumps({**request, "module": module, "source": source}),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ["endless"]
    return list(json.loads(done.stdout)) if done.returncode == 0 else ["broken"]


def main() -> int:
    """Mutate, judge, and print the rate and the survivors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=80, help="how many mutants (default 80)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    arguments = parser.parse_args()
    places = []
    for file in sorted(HOOKS.glob("guard_*.py")):
        if file.stem not in LEFT_OUT:
            tree = ast.parse(file.read_text())
            places += [(file, number) for number in range(len(mutants_of(tree)))]
    sample = random.Random(arguments.seed).sample(places, min(arguments.sample, len(places)))
    given = calls()
    expected = answers(given, [], "", "")
    survivors = []
    for number, (file, place) in enumerate(sorted(sample), 1):
        tree = ast.parse(file.read_text())
        what, line, old, new = mutants_of(tree)[place]
        mutated = ast.fix_missing_locations(Replace(old, new).visit(tree))
        if answers(given, expected, file.stem, ast.unparse(mutated)) == expected:
            survivors.append(f"{file.name}:{line}: {what}: {ast.unparse(old).splitlines()[0][:90]}")
        if sys.stderr.isatty():
            print(f"\rmutants {number}/{len(sample)}", end="", file=sys.stderr, flush=True)
    print(f"{len(sample)} of {len(places)} possible mutants, {len(given)} calls: {len(sample) - len(survivors)} killed")
    print("\n".join(["survived:", *survivors]) if survivors else "none survived")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
