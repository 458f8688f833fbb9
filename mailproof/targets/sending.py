"""How a target sends: a message put in with its own sendmail(1), and followed to its end. Judges nothing.

Each message is one of its own, to a destination of the run: nothing leaves the lab.
"""

from __future__ import annotations

import secrets
from shlex import quote

from mailproof.errors import LogSilent, PositiveControlFailed, Undecided
from mailproof.ledger import Recorder
from mailproof.targets.course import Course, Sent, arrival, course, sent
from mailproof.targets.destinations import destinations
from mailproof.targets.journal import Trace
from mailproof.targets.receiver import Receiver
from mailproof.targets.specimen import Specimen

DEADLINE = 20.0
"""Seconds that a message may take until its sender is done with it."""
ABROAD = "abroad.example"
"""A domain that no table knows: mail for it goes wherever the target sends all its mail to."""


class Sending:
    """Sends messages from a target to the destinations of the run."""

    def __init__(self, specimen: Specimen, receiver: Receiver, recorder: Recorder) -> None:
        self._specimen = specimen
        self._receiver = receiver
        self._recorder = recorder

    def send(self, to: str = "good", beside: str = "good") -> Sent:
        """Send to a destination of fixtures/destinations.toml. A message that does not come says something only where
        another, to the destination ``beside`` ("": none), does: else raises `PositiveControlFailed`. Where it does not
        come for any other reason than security it says nothing: raises `Undecided`; also what `post` raises."""
        return _decided(self.sure(destinations()[to].host, destinations()[beside].host if beside else ""))

    def sure(self, domain: str, beside: str) -> Sent:
        """Send one message to a domain. One that does not come says something only where another, to the domain
        ``beside`` ("": none), does: else raises `PositiveControlFailed`; also what `post` raises."""
        found = self.post(domain)
        if found.arrival is None and beside not in ("", domain):
            control = self.post(beside)
            if control.arrival is None:
                raise PositiveControlFailed(f"a message to {beside} does not come either: {control}")
        return found

    def abroad(self) -> Sent:
        """Send to a domain of which nothing is said: by the relay host, where there is one. Raises as `send`."""
        return _decided(self.post(ABROAD))

    def post(self, domain: str) -> Sent:
        """Send one message to a domain. Raises `Undecided` where it is not sent by SMTP, or sender and destination do
        not agree on what happened; `LogSilent`, `Ambiguous`."""
        token, since = secrets.token_hex(8), len(self._specimen.follower.lines())
        theirs = len(self._receiver.follower.lines())
        done = self._specimen.inside.run(_script(token, domain, self._receiver.hosts))
        if done.status:
            raise Undecided(f"the target's sendmail did not take the message: {done.errors.strip()}")
        course = self._course(token, since)
        self._recorder.note(f"log of the message to {domain}", str(course), course.text)
        found = sent(course, self._arrival(course, token, theirs))
        self._recorder.note(f"message to {domain}", str(found))
        return found

    def _course(self, token: str, since: int) -> Course:
        log = self._specimen.follower
        found = log.wait(lambda lines: course(lines, token), since, DEADLINE)
        if found is None:
            last = (log.lines(since) or ["nothing at all"])[-1]
            raise LogSilent(f"the log does not tell the end of the message within {DEADLINE:g} s; it ends with: {last}")
        return found

    def _arrival(self, course: Course, token: str, since: int) -> Trace | None:
        """The destination's session in which the message came. Of one that was not sent, its log must know nothing."""
        log = self._receiver.follower
        if course.outcome.status == "sent":
            found = log.wait(lambda lines: arrival(lines, token), since, DEADLINE)
            if found is None:
                raise LogSilent(f"the destination's log does not tell of the message: {course}")
            self._recorder.note("log of the destination", found.tls.word if found.tls else "in clear", found.text)
            return found
        log.mark()
        if any(token in line for line in log.lines(since)):
            raise Undecided(f"the destination has the message, but its sender says otherwise: {course}")
        return None


def _decided(found: Sent) -> Sent:
    if found.arrival is None and not found.secured:
        raise Undecided(f"the message did not come, and not for security's sake: {found}")
    return found


def _script(token: str, domain: str, hosts: str) -> str:
    """Make the destinations known, once, to the host and to the chroot that its SMTP client may be in; then send."""
    sender = f"{token}@mailproof.test"
    message = f"From: <{sender}>\nTo: <{token}@{domain}>\nMessage-ID: <{sender}>\nSubject: a probe\n\nA probe.\n"
    return f"""
        if ! grep -qF {quote(hosts.splitlines()[0])} /etc/hosts; then
          printf %s {quote(hosts)} >>/etc/hosts
          jail=$(postconf -h queue_directory)/etc
          mkdir -p $jail && cp /etc/hosts /etc/nsswitch.conf /etc/services $jail/
        fi
        printf %s {quote(message)} | sendmail -N never -f {sender} {token}@{domain}"""
