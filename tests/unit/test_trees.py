"""What a user names is read as it lies there, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproof.errors import Unusable
from mailproof.model import Daemon
from mailproof.trees import Tree, load_trees


def write(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def the(given: str, here: Path) -> Tree:
    [tree] = load_trees([given], here, exclusive=False)
    return tree


def test_a_directory_is_named_by_its_last_part_and_holds_both_daemons(tmp_path: Path) -> None:
    write(tmp_path / "mail", "postfix/main.cf", "dovecot/conf.d/10-ssl.conf", "aliases")
    tree = the("mail", tmp_path)
    assert (tree.name, tree.daemons) == ("mail", frozenset(Daemon))
    assert tree.files["dovecot/conf.d/10-ssl.conf"] == b"dovecot/conf.d/10-ssl.conf"


@pytest.mark.parametrize(("file", "daemon"), [("main.cf", Daemon.POSTFIX), ("dovecot.conf", Daemon.DOVECOT)])
def test_a_daemon_s_own_directory_or_file_will_do(file: str, daemon: Daemon, tmp_path: Path) -> None:
    write(tmp_path / "etc", file)
    assert the("etc", tmp_path).daemons == {daemon}
    assert list(the(f"etc/{file}", tmp_path).files) == [f"{daemon}/{file}"]


def test_a_name_of_one_s_own_tells_trees_apart(tmp_path: Path) -> None:
    write(tmp_path, "a/mail/postfix/main.cf", "b/mail/postfix/main.cf")
    assert [tree.name for tree in load_trees(["a/mail", "b=b/mail"], tmp_path, exclusive=False)] == ["mail", "b"]
    with pytest.raises(Unusable, match="two trees are called mail"):
        load_trees(["a/mail", "b/mail"], tmp_path, exclusive=False)


def test_stock_is_no_directory_and_has_both_daemons(tmp_path: Path) -> None:
    assert the("stock", tmp_path).stock
    assert the("stock", tmp_path).daemons == frozenset(Daemon)


def test_links_are_followed_inside_and_nowhere_else(tmp_path: Path) -> None:
    write(tmp_path, "secret", "mail/postfix/main.cf", "mail/archive/key1.pem")
    (tmp_path / "mail/postfix/key.pem").symlink_to("../archive/key1.pem")
    (tmp_path / "mail/postfix/passwd").symlink_to(tmp_path / "secret")
    files = the("mail", tmp_path).files
    assert files["postfix/key.pem"] == b"mail/archive/key1.pem"
    assert "postfix/passwd" not in files


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "there is no such directory"),
        (("mail/README",), "holds neither postfix/ nor dovecot/, as /etc does"),
        (("mail/etc/postfix/main.cf",), "name the directory etc in it"),
        (("mail/templates/main.cf.j2",), "looks like a template, render it first"),
        (("mail",), "a single file must be a main.cf or a dovecot.conf"),
    ],
)
def test_what_cannot_be_judged_says_what_to_do(files: tuple[str, ...], said: str, tmp_path: Path) -> None:
    write(tmp_path, *files)
    with pytest.raises(Unusable, match=said):
        the("mail", tmp_path)


def test_an_empty_directory_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    with pytest.raises(Unusable, match="it is empty"):
        the("mail", tmp_path)


@pytest.mark.parametrize("name", ["stock=mail", "a/b=mail", "=mail"])
def test_a_name_that_would_break_node_ids_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, "mail/postfix/main.cf")
    with pytest.raises(Unusable, match="cannot name a tree"):
        the(name, tmp_path)
