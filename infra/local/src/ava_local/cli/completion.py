"""`./ava completion`: a script with which bash or zsh completes commands, options and processes."""

from typing import Annotated, Literal

import typer

from ava_local.ports import PORT_OFFSETS

Shell = Literal["bash", "zsh"]

SCRIPT = """\
{zsh}_ava() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" = 1 ]; then
    words="{commands}"
  else
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _ava ./ava ava
"""
TAKES_A_PROCESS = ("logs", "restart")


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="Your shell.")] = "bash",
) -> None:
    """Print a completion script: source <(./ava completion), or completion zsh."""
    assert context.parent
    group = context.parent.command
    commands: dict[str, list[str]] = {}
    for name in group.list_commands(context.parent):  # type: ignore[attr-defined]
        command = group.get_command(context.parent, name)  # type: ignore[attr-defined]
        options = [option for one in command.params for option in one.opts if option.startswith("--")]
        processes = list(PORT_OFFSETS) if name in TAKES_A_PROCESS else []
        commands[name] = sorted([*options, "--help"]) + processes
    cases = "\n".join(f'      {name}) words="{" ".join(words)}" ;;' for name, words in commands.items())
    zsh = "autoload -Uz bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    print(SCRIPT.format(zsh=zsh, commands=" ".join(commands), cases=cases), end="")
