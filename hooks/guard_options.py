"""Which options and operands does a command line have, by the grammar of its program?

One reader for all rules: an option's value must never be taken for an option, so that neither
`--title --help` hides a command nor a branch called `-f` makes one.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read_options(
    arguments: "Sequence[str]", shorts: str, longs: "frozenset[str]"
) -> "tuple[list[tuple[str, str]], list[str]]":
    """Read options anywhere among the operands, as getopt_long and pflag do.

    Args:
        arguments: What follows the program's name.
        shorts: Letters of short options that take a value.
        longs: Names of long options that take a value.

    Returns:
        Pairs of option and value ("" when it has none), such as ("-f", "") and ("--repo", "a/b"); and the operands.
    """
    options: "list[tuple[str, str]]" = []
    operands: "list[str]" = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if argument == "--":
            operands.extend(arguments[at:])
            break
        if argument.startswith("--"):
            name, has_value, value = argument.partition("=")
            if not has_value and name[2:] in longs and at < len(arguments):
                value = arguments[at]
                at += 1
            options.append((name, value))
        elif argument.startswith("-") and len(argument) > 1:
            at += _read_cluster(argument, arguments[at : at + 1], shorts, options)
        else:
            operands.append(argument)
    return options, operands


def _read_cluster(cluster: str, following: "Sequence[str]", shorts: str, options: "list[tuple[str, str]]") -> int:
    """Read short options written together; tell how many following words were a value."""
    for place, letter in enumerate(cluster[1:], 2):
        if letter in shorts:
            value = cluster[place:]
            if value:
                options.append(("-" + letter, value.removeprefix("=")))
                return 0
            options.append(("-" + letter, following[0] if following else ""))
            return len(following)
        options.append(("-" + letter, ""))
    return 0


def names(options: "list[tuple[str, str]]") -> "frozenset[str]":
    """Give the options' names without their values."""
    return frozenset([name for name, _ in options])


def is_unique_prefix(option: str, name: str, shortest: int) -> bool:
    """Tell whether a long option is an abbreviation of a name that git accepts; at least `shortest` letters of it."""
    return len(option) >= shortest + 2 and name.startswith(option[2:]) and option.startswith("--")
