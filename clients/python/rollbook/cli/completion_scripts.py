r"""What makes a shell complete the command: a script for each, and the lines they read.

Each script hands over the line as far as the cursor. It gets back a line for every
suggestion, of fields: `file`, `dir` or `plain`; the whole word, unquoted; for
bash, what of it stands behind the last `=` or `:`; and what the word means.

click's own scripts would insert names with blanks unquoted, and lose their way behind
`--address HOST:PORT`, at whose colon bash cuts words.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, ClassVar

from click.shell_completion import ShellComplete, add_completion_class, split_arg_string

from rollbook.cli.output import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem

_LINE = "_ROLLBOOK_LINE"
# Stands for the cursor, so that the last word is the one to be completed, if empty.
_CURSOR = "\x01"
# Between fields; a blank or a tab would swallow empty ones.
_FIELD = "\x1f"

_BASH = r"""
%(complete_func)s() {
    local kind value rest help current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS=$'\x1f' read -r kind value rest help; do
        # Unless they are quoted, bash has cut the word there already.
        case "$current" in
            [=:]) value="$rest" ;;
            *[=:]*) ;;
            [\"\']*) ;;
            *) value="$rest" ;;
        esac
        case "$kind" in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            plain)
                # Within quotes that the user opened a word needs none of ours.
                case "$current" in
                    [\"\']*) COMPREPLY+=("$value") ;;
                    *) COMPREPLY+=("$(printf '%%q' "$value")") ;;
                esac ;;
        esac
    done < <(%(complete_var)s=bash_complete _ROLLBOOK_LINE="${COMP_LINE:0:COMP_POINT}" \
        %(prog_name)s 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local kind value rest help
    local -a values shown
    while IFS=$'\x1f' read -r kind value rest help; do
        case "$kind" in
            file) _files ;;
            dir) _files -/ ;;
            plain) values+=("$value"); shown+=("$value${help:+  -- $help}") ;;
        esac
    done < <(%(complete_var)s=zsh_complete _ROLLBOOK_LINE="${(j: :)words[1,CURRENT]}" \
        %(prog_name)s 2>/dev/null)
    (( $#values )) && compadd -U -V %(prog_name)s -l -d shown -a -- values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""
function %(complete_func)s
    env %(complete_var)s=fish_complete _ROLLBOOK_LINE=(commandline -cp | string collect) \
        %(prog_name)s 2>/dev/null | while read --local --line answer
        set --local fields (string split \x1f -- $answer)
        switch $fields[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case plain
                printf '%%s\t%%s\n' $fields[2] $fields[4]
        end
    end
end
complete --no-files --keep-order --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _LineComplete(ShellComplete):
    """Completes a line as far as the cursor."""

    name: ClassVar[str]
    source_template: ClassVar[str]

    def get_completion_args(self) -> tuple[list[str], str]:
        """Give the words before the one at the cursor, and what there is of that."""
        words = split_arg_string(os.environ.get(_LINE, "") + _CURSOR)
        return words[1:-1], words[-1].removesuffix(_CURSOR)

    def complete(self) -> str:
        """Give the suggestions, a line for each."""
        args, incomplete = self.get_completion_args()
        # Of `--option=VALUE` click completes the value alone.
        option, equals, _ = incomplete.partition("=")
        head = option + equals if equals and option.startswith("-") else ""
        cut = max(map(incomplete.rfind, "=:")) + 1
        items = self.get_completions(args, incomplete)
        return "\n".join(_line(item, head, cut) for item in items)


def _line(item: CompletionItem[str], head: str, cut: int) -> str:
    word = head + item.value
    help_ = clean(re.sub(r"\s+", " ", item.help or ""))
    return _FIELD.join((item.type, word, word[cut:], help_))


@add_completion_class
class Bash(_LineComplete):
    """For bash 4.4 and later."""

    name = "bash"
    source_template = _BASH.lstrip()


@add_completion_class
class Zsh(_LineComplete):
    """For zsh 5 and later."""

    name = "zsh"
    source_template = _ZSH


@add_completion_class
class Fish(_LineComplete):
    """For fish 3.1 and later."""

    name = "fish"
    source_template = _FISH.lstrip()


SHELLS: Mapping[str, type[ShellComplete]] = {each.name: each for each in (Bash, Zsh, Fish)}
