"""man.py KIND RELANCE OUT: the manual page, or the completion of a shell, from what the program itself says (`relance COMMAND --help`).

KIND is man, bash or zsh. Run by the build, so that neither can fall behind the program.
"""
import os
import pathlib
import re
import subprocess
import sys

KIND, RELANCE, OUT = sys.argv[1], str(pathlib.Path(sys.argv[2]).resolve()), sys.argv[3]
ENVIRONMENT = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}  # a build with sanitizers is asked too
VALUES = {"--format": "table csv json", "--locale": "fr en", "--as": "orders customers products carts consents events",
          "--consent": "recorded assume", "--response": "none rates"}


def ask(*args):
    done = subprocess.run([RELANCE, *args], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return done.stdout


class Command:
    def __init__(self, name, summary):
        self.name, self.summary = name, summary
        text = ask(name, "--help")
        head, _, self.example = text.partition("\nexample:\n")
        lines = head.split("\n")
        self.synopsis = [lines[0].removeprefix("usage: ")]
        rest = lines[1:]
        while rest and rest[0].startswith("       "):
            self.synopsis.append(rest.pop(0).strip())
        self.options, prose = [], []
        for line in rest:
            m = re.match(r"  (-\S+(?: [^ ]\S*)*?)(?:  +(\S.*))?$", line)
            if m:
                self.options.append([m.group(1), m.group(2) or ""])
            elif self.options and re.match(r" {10,}\S", line):
                self.options[-1][1] = (self.options[-1][1] + " " + line.strip()).strip()
            elif line.strip() or prose:
                prose.append(line)
        self.text = "\n".join(prose).strip()
        what = re.sub(r"\[[^]]*\]", "", " ".join(self.synopsis)).split(" --")[0].removeprefix("relance ").removeprefix(name).strip()
        words = [part.split()[0] for part in what.split("|") if part.split()]
        self.words = words if len(words) > 1 and all(re.fullmatch("[a-z]+", w) for w in words) else []

    def flags(self):
        return [o[0].split()[0] for o in self.options] + ["--help"]


def commands():
    found = re.findall(r"^  ([a-z]+) +(\S.*)$", ask("--help"), re.M)
    return [Command(*c) for c in found]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join(("\\&" + line) if line.startswith(".") else line for line in text.split("\n"))


def man(all_commands):
    version = re.search(r"relance (\S+):", ask("--help")).group(1)
    out = [f'.TH RELANCE 1 "" "relance {version}" "User commands"', ".SH NAME", "relance \\- keeps a shop\\(aqs customers coming back",
           ".SH SYNOPSIS", ".B relance", ".I COMMAND", "[\\fIarguments\\fR]", ".br", ".B relance", ".I COMMAND", ".B \\-\\-help",
           ".SH DESCRIPTION",
           roff("relance takes what a shop knows of its customers (orders, carts, consents), decides who should hear what, when and by which "
                "channel, sends it, and shows against a control group what it brought. DB is a file, or an address "
                "postgresql://host/db?schema=NAME."),
           ".SH COMMANDS"]
    for c in all_commands:
        out += [f".SS {roff(c.name)}", roff(c.summary[0].upper() + c.summary[1:] + "."), ".PP"]
        for s in c.synopsis:
            out += [f".B relance {roff(s.removeprefix('relance '))}", ".br"]
        out += [".PP", roff(re.sub(r"\n(?=\S)", " ", c.text)) if c.text else ""]
        for option, what in c.options:
            name, _, value = option.partition(" ")
            out += [".TP", f"\\fB{roff(name)}\\fR \\fI{roff(value)}\\fR" if value else f"\\fB{roff(name)}\\fR", roff(what) or "\\&"]
        if c.example.strip():
            out += [".PP", "Example:", ".PP", ".nf", ".RS 4", roff(c.example.rstrip()), ".RE", ".fi"]
    out += [".SH EXIT STATUS", "0 when done, 1 when refused or failed, 2 when the command was not understood. Errors are one line on standard error.",
            ".SH ENVIRONMENT", ".TP", ".B RELANCE_KEYS", "Folder of the key files of shops in PostgreSQL (default ~/.config/relance).",
            ".TP", ".B RELANCE_SMTP_PASSWORD", "Password of the mail server set as smtp.host.",
            ".SH FILES", ".TP", ".I DB.key", "Secret of the address hashes. Keep a copy of it, apart from the backups.",
            ".TP", ".I DB.mark", "High\\-water mark, by which an old copy put back is noticed.",
            ".TP", ".I DB.outbox", "Messages written as files, when the shop has no mail server."]
    return "\n".join(line for line in out if line != "") + "\n"


def bash(all_commands):
    names = " ".join(c.name for c in all_commands)
    cases = "\n".join(f"    {c.name}) options='{' '.join(c.flags())}' words='{' '.join(c.words)}' ;;" for c in all_commands)
    values = "\n".join(f"    {k}) COMPREPLY=($(compgen -W '{v}' -- \"$cur\")); return ;;" for k, v in VALUES.items())
    return f"""# bash completion for relance; made from its own help
_relance() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '{names} --help' -- "$cur"))
    return
  fi
  case $prev in
{values}
  esac
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [ "$COMP_CWORD" = 2 ] && [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur") $(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}}
complete -o filenames -o bashdefault -F _relance relance
"""


def zsh(all_commands):
    def quote(text):
        return text.replace("'", "'\\''").replace(":", "\\:").replace("[", "\\[").replace("]", "\\]")

    described = "\n".join(f"    '{c.name}:{quote(c.summary)}'" for c in all_commands)
    cases = []
    for c in all_commands:
        specs = []
        for option, what in c.options:
            name, _, value = option.partition(" ")
            then = ""
            if value:
                then = f":{quote(value)}:({VALUES[name]})" if name in VALUES else f":{quote(value)}:_files"
            specs.append(f"'{name}[{quote(what)}]{then}'")
        first = [f"'1:what:({' '.join(c.words)})'"] if c.words else []
        cases.append(f"    {c.name}) _arguments {' '.join(specs + first)} '--help[what it does]' '*:file:_files' ;;")
    return f"""#compdef relance
# made from the program's own help
_relance() {{
  local -a commands
  commands=(
{described}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{chr(10).join(cases)}
  esac
}}
_relance "$@"
"""


pathlib.Path(OUT).write_text({"man": man, "bash": bash, "zsh": zsh}[KIND](commands()), encoding="utf-8")
