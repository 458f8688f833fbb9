"""Who takes part in a run: the target's certificates, and the clients that the relay decides about. Minted per run.

A client is named for what is true of it. ``listed-…`` clients stand in the relay table although something is wrong with
their certificate; all others of the same flaw do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailproof.errors import CannotOffer
from mailproof.pki import Authority, Flaw, Leaf
from mailproof.wire.offers import ClientCertificate

SERVER = "mail.mailproof.test"
GROUPS = ("servers", "strangers", "clients", "flawed")
FLAWS = {"expired": Flaw.EXPIRED, "self-signed": Flaw.SELF_SIGNED, "server-only": Flaw.SERVER_ONLY}


_TRAVELLER = "traveller "


def traveller(user: str) -> str:
    """The client who is a user with a certificate in his own name: whatever the user's name, the CA issues one."""
    return f"{_TRAVELLER}{user}"


@dataclass(frozen=True, slots=True)
class People:
    """Everybody's certificates. ``servers`` by key type (``rsa-2048``), ``strangers`` those of another host, of another
    CA (``stranger-rsa``). ``table`` is the relay table: one fingerprint and a name to a line. For mutations there are
    ``flawed`` certificates of the target (``rsa-expired``), and other versions of the table
    (``relay_clientcerts-md5``).
    """

    authority: bytes
    servers: Mapping[str, Leaf]
    strangers: Mapping[str, Leaf]
    clients: Mapping[str, Leaf]
    table: str
    flawed: Mapping[str, Leaf] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)

    def server(self, kind: str) -> Leaf:
        """The target's certificate of a kind (``rsa``), of another where it has none of that."""
        first = next(iter(self.servers.values()))
        return next((leaf for key, leaf in self.servers.items() if key.startswith(kind)), first)

    def client(self, name: str) -> ClientCertificate:
        """What a client presents; for a `traveller` a new certificate of the CA, in his own name."""
        leaf = self.clients.get(name) or self._issued(name)
        return ClientCertificate(leaf.cert_pem, leaf.key_pem)

    @property
    def name(self) -> str:
        """What a target takes itself for that has no name of its own."""
        return SERVER

    def listed(self, digest: str) -> dict[str, str]:
        """Name -> fingerprint of all who stand in the relay table, by the digest's name."""
        return _rows(self.clients, self.clients["renewed"], digest)

    def issue(self, names: Sequence[str], key: str) -> Leaf:
        """A new certificate of the lab's authority for a host of these names."""
        return self.clients["listed"].authority.leaf(names[0], names=names, key=key, purpose="server")

    def save(self, path: Path) -> None:
        """Keep them for the other processes of the run, readable by their owner alone."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({
            "authority": self.authority.decode(), "table": self.table, "tables": dict(self.tables),
            **{group: {name: leaf.to_json() for name, leaf in leaves.items()}
               for group, leaves in self._groups().items()},
        }))  # fmt: skip

    @staticmethod
    def load(path: Path) -> People:
        """The people that `save` kept."""
        kept = json.loads(path.read_text())
        servers, strangers, clients, flawed = (
            {name: Leaf.from_json(each) for name, each in kept[group].items()} for group in GROUPS
        )
        table, tables = kept["table"], kept["tables"]
        return People(kept["authority"].encode(), servers, strangers, clients, table, flawed, tables)

    def _issued(self, name: str) -> Leaf:
        user = name.removeprefix(_TRAVELLER)
        if user == name:
            raise CannotOffer(f"there is no client {name}")
        return self.clients["listed"].authority.leaf(user, purpose="client")

    def _groups(self) -> dict[str, Mapping[str, Leaf]]:
        return dict(zip(GROUPS, (self.servers, self.strangers, self.clients, self.flawed), strict=True))


def gather(server_keys: Iterable[str], flaws: bool = False) -> People:
    """Mint a CA, a stranger's CA, a server certificate for each key type (``rsa-2048``), and all clients; on demand
    what mutations put in the place of these."""
    authority, stranger = Authority.create("mailproof lab CA"), Authority.create("a stranger's CA")
    servers = {key: authority.leaf(SERVER, names=[SERVER], key=key, purpose="server") for key in server_keys}
    listed, kept = (authority.leaf(f"{name}.client.test", purpose="client") for name in ("listed", "renewed"))
    clients = {"listed": listed, "renewed": kept.renewed()}
    for prefix in ("", "listed-"):
        clients |= {f"{prefix}{name}": authority.leaf(f"{prefix}{name}.client.test", purpose="client", flaw=flaw)
                    for name, flaw in FLAWS.items()}  # fmt: skip
        clients[f"{prefix}stranger"] = stranger.leaf(f"{prefix}stranger.client.test", purpose="client")
    clients["unlisted"] = authority.leaf("unlisted.client.test", purpose="client")
    others = {f"stranger-{key.partition('-')[0]}": stranger.leaf("other.example", names=["other.example"], key=key)
              for key in ("rsa-2048", "ecdsa-p256")}  # fmt: skip
    rows = _rows(clients, kept, "sha256")
    made = (_flawed(servers), _tables(rows, _rows(clients, kept, "md5"), clients)) if flaws else ({}, {})
    return People(authority.cert_pem, servers, others, clients, _text(rows), *made)


def _flawed(servers: Mapping[str, Leaf]) -> dict[str, Leaf]:
    return {
        f"{key.partition('-')[0]}-{flaw}": leaf.flawed(flaw)
        for key, leaf in servers.items()
        for flaw in Flaw
        if flaw is not Flaw.SERVER_ONLY
    }


def _rows(clients: Mapping[str, Leaf], kept: Leaf, digest: str) -> dict[str, str]:
    """Name -> fingerprint: the renewed client is listed by the key that it kept, all others by their certificate."""
    rows = {name: leaf.fingerprint(digest) for name, leaf in clients.items() if name.startswith("listed")}
    return {**rows, "renewed": kept.public_key_fingerprint(digest)}


def _tables(rows: Mapping[str, str], md5: Mapping[str, str], clients: Mapping[str, Leaf]) -> dict[str, str]:
    """What goes wrong with such a table, and what may well be otherwise in one."""
    unlisted, guest = clients["unlisted"].fingerprint("sha256"), ":".join(["A5"] * 32)
    versions = {
        "one-too-many": _text({**rows, "unlisted": unlisted}),
        "one-too-few": _text({name: each for name, each in rows.items() if name not in ("listed", "renewed")}),
        "md5": _text(md5),
        "dashes": _text({name: each.replace(":", "-") for name, each in rows.items()}),
        "no-separators": _text({name: each.replace(":", "") for name, each in rows.items()}),
        "reordered": "# the newest first\n\n" + _text(dict(reversed([*rows.items()]))),
        "one-more": _text({**rows, "guest": guest}),
    }
    return {f"relay_clientcerts-{version}": text for version, text in versions.items()}


def _text(rows: Mapping[str, str]) -> str:
    return "".join(f"{fingerprint} {name}\n" for name, fingerprint in rows.items())
