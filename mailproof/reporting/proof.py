"""proof.md: what a run with ``--prove`` showed of each control, as a page in Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mailproof.reporting import proven
from mailproof.reporting.proven import OTHERWISE, Figure, Gap, Proved, Shown, proved, seen
from mailproof.reporting.record import Record
from mailproof.reporting.text import clip, number, one_line

TEXT = 300
"""Characters of why something is not proven, and of the places where it is not."""

_INTRODUCTION = """\
A control that cannot turn red proves nothing. So each one has to be seen three times on a real server: green as the
profile is worn; under a fault, *red by its own assertion*, with what it expected and what it saw; and green again after
everything was restored and read back equal. A harmless variation, another right way to the same end, must leave it
green. The numbers are cases: services and variants in which the control was asked."""


def proof(record: Record) -> str:
    """The page; "" where the run tried nothing."""
    controls = proved(record)
    if not controls:
        return ""
    names = proven.targets(controls)
    parts = [_head(record, names), _in_figures(controls, names), *_not_proven(controls), *_never_broken(record)]
    for room in dict.fromkeys(each.room for each in controls):
        mine = [each for each in controls if each.room == room]
        parts += [f"## {room}", _overview(mine, names), *(_told(each, names) for each in mine)]
    return "\n\n".join(parts) + "\n"


def _head(record: Record, names: Sequence[str]) -> str:
    run = record["run"]
    software = dict.fromkeys(
        f"- **{target['name']}**: "
        + ", ".join(f"{name} {version}" for name, version in sorted(target["versions"].items()))
        for target in record["targets"]
        if target["name"] in names
    )
    made = f"Made by run {run['id']} ({run['finished']}) from its record"
    return "\n\n".join(
        ["# What every control was seen to notice", _INTRODUCTION, f"{made}{proven.pace(record)}.", "\n".join(software)]
    )


def _in_figures(controls: Sequence[Proved], names: Sequence[str]) -> str:
    on = [f"seen on {name}" for name in names]
    head = ["room", "controls", "faults", "harmless variations", *on, *proven.VERDICTS]
    return _table(head, [_figured(each, names) for each in proven.figures(controls)])


def _figured(figure: Figure, names: Sequence[str]) -> list[str]:
    verdicts = [str(figure.cases[verdict]) for verdict in proven.VERDICTS]
    on = [proven.share(*figure.on.get(name, (0, 0))) for name in names]
    return [figure.room, str(figure.controls), str(figure.faults), str(figure.innocents), *on, *verdicts]


def _not_proven(controls: Sequence[Proved]) -> Iterator[str]:
    """Every gap, the worst first."""
    found = proven.unproven(controls)
    if found:
        yield "## Not proven"
    for verdict, same in found.items():
        yield f"### {verdict}: {number(sum(len(gap.places) for *_, gap in same), 'case')}"
        yield "\n".join(_gap(*each) for each in same)


def _gap(control: Proved, shown: Shown, gap: Gap) -> str:
    cases, places = number(len(gap.places), "case"), "; ".join(dict.fromkeys(gap.places))
    return f"- **{control.id}** `{shown.name}` in {cases}, {_code(places)}: {_code(gap.reason)}"


def _never_broken(record: Record) -> Iterator[str]:
    left = proven.untried(record)
    if left:
        yield "## Never broken"
        yield "Asked in this run, and not seen to fail under anything."
        yield "\n".join(f"- **{id}** {title}" for id, title in left)


def _overview(controls: Sequence[Proved], names: Sequence[str]) -> str:
    return _table(["control", *names], [[each.id, *(_cell(each.cell(name)) for name in names)] for each in controls])


def _cell(found: Counter[str]) -> str:
    others = (f"**{found[verdict]} {verdict}**" for verdict in OTHERWISE if found[verdict])
    return ", ".join([f"{found[proven.PROVEN]} proven", *others]) if found else "not asked"


def _told(control: Proved, names: Sequence[str]) -> str:
    parts = {
        "Seen to fail under": [each for each in control.faults if each.ever],
        "Held under": [each for each in control.innocents if each.ever],
        "Not shown:": [each for each in control.tried if not each.ever],
    }
    told = [f"{words} {_listed(tried, names)}." for words, tried in parts.items() if tried]
    if control.no_other_way:
        told.append(f"No other way: {control.no_other_way}.")
    return " ".join([f"**{control.id}** {control.title}.", *told])


def _listed(tried: Sequence[Shown], names: Sequence[str]) -> str:
    return ", ".join(f"`{each.name}` ({seen(each, names)})" for each in tried)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _code(text: str) -> str:
    return f"`{clip(one_line(text), TEXT).replace('`', '´')}`"
