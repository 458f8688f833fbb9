"""Everything about one control, for whoever asks: what it requires, why, by which clause, and what turns it red."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailproof.catalogue import catalogue
from mailproof.dialect import Dialects
from mailproof.errors import Unusable
from mailproof.model import Control, Daemon, Mutation
from mailproof.profile import Profile, load_profiles
from mailproof.releases import hint
from mailproof.reporting.sources import address, citation, load_sources
from mailproof.sweep import controls_in


def explained(root: Path, id: str) -> str:
    """The text; raises `Unusable` where there is no such control."""
    controls = {control.id: (room, control) for room, control in controls_in(root / "tests")}
    if id not in controls:
        raise Unusable(f"--explain {id}: there is no such control{hint(id, controls)}")
    room, control = controls[id]
    source = {"document": control.source.document, "section": control.source.section}
    known = load_sources(root / "fixtures" / "sources.toml")
    cited = " ".join(filter(None, [citation(source, known), address(source, known)]))
    parts = {
        "requires": control.expects, "why": " ".join(control.why.split()),
        "source": f"{control.level} by {cited}\n«{control.source.quote}»",
        "asked of": ", ".join(sorted(control.roles)) + f" ({' and '.join(sorted(control.daemons))}), in tests/{room}",
        "profiles": "\n".join(_required(control, root)) or "none", "fix": control.remedy,
        "turns red": "\n".join(map(_worn, control.mutations)),
        "stays green": "\n".join(map(_worn, control.innocents)) or control.no_other_way,
    }  # fmt: skip
    return "\n".join([f"{control.id}  {control.title} ({control.severity})", *_laid_out(parts)])


def _laid_out(parts: dict[str, str]) -> Iterator[str]:
    for label, text in parts.items():
        first, *more = text.splitlines() or [""]
        yield f"  {label:<12}{first}"
        yield from (f"  {'':<12}{line}" for line in more)


def _required(control: Control, root: Path) -> Iterator[str]:
    for profile in _profiles(root):
        levels = profile.requires.get(control.id, {})
        if levels:
            yield f"{profile.name}: {', '.join(f'{level} for {role}' for role, level in levels.items())}"


def _profiles(root: Path) -> tuple[Profile, ...]:
    directory = root / "fixtures" / "profiles"
    dialects = Dialects.load(root / "fixtures" / "dialects")
    names = [path.stem for path in sorted(directory.glob("*.toml")) if "abstract = true" not in path.read_text()]
    return load_profiles(names, directory, catalogue(root / "tests"), {each: dialects.newest(each) for each in Daemon})


def _worn(mutation: Mutation) -> str:
    """A mutation as its name and what it changes."""
    services = {f"{name}: {key}": value for name, each in mutation.services.items() for key, value in each.items()}
    changed = [f"{name} = {value}" for name, value in {**mutation.postfix, **mutation.dovecot, **services}.items()]
    others = {"certificate": mutation.pki, "table": mutation.tables, "required": mutation.parameters}
    changed += [f"{kind} {name}: {value}" for kind, each in others.items() for name, value in each.items()]
    changed += [f"{mutation.middlebox} in front"] if mutation.middlebox else []
    changed += [mutation.pasted] if mutation.pasted else []
    return f"{mutation.name}: {'; '.join(changed) or 'see the control'}"
