"""Bytes to and from a unix socket inside a container: a stream like any other, with the same deadline and bounds.

A helper inside, one for each connection, hands bytes through between the socket and its own standard streams. Those are
one end of a socket pair, and a `SocketStream` holds the other. So whatever the engine and wherever it runs, nothing is
framed, copied or counted here. Knows no mail protocol.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from mailproof.errors import ConnectionDropped, Unreachable
from mailproof.wire.stream import SocketStream
from mailproof.wire.tls.hostile import printable

_CONNECTED = b"+"
_FAREWELL = 2.0
"""Seconds that a helper may take to end once its connection has."""

# It ends with 0 only where the peer closed in order and all that came from us had been taken.
_HELPER = r"""
use IO::Socket::UNIX;
$SIG{PIPE} = "IGNORE";
my $lost;
my $peer = IO::Socket::UNIX->new($ARGV[0]) or die "$!\n";
sub put {
  my ($to, $data) = @_;
  while (length $data) { my $n = syswrite $to, $data; defined $n or return 0; substr $data, 0, $n, "" }
  return 1;
}
put(\*STDOUT, "+");
while (1) {
  my $ready = "";
  vec($ready, fileno $peer, 1) = 1;
  vec($ready, 0, 1) = 1 unless $lost;
  select $ready, undef, undef, undef;
  if (!$lost && vec $ready, 0, 1) { sysread STDIN, my $data, 65536 or exit 0; $lost = !put($peer, $data) }
  elsif (vec $ready, fileno $peer, 1) {
    my $n = sysread $peer, my $data, 65536;
    defined $n or die "$!\n";
    $n or $lost ? die "the peer took not all that was sent\n" : exit 0;
    put(\*STDOUT, $data) or exit 1;
  }
}
"""


class InnerStream(SocketStream):
    """A connection to a unix socket inside a container; for the rest see `SocketStream`."""

    def __init__(self, ours: socket.socket, deadline: float, helper: subprocess.Popen[bytes]) -> None:
        """``ours``: the end of the socket pair whose other end is the helper's standard streams."""
        super().__init__(ours, deadline)
        self._helper = helper
        self._early = b""

    @classmethod
    def dial(cls, container: str, path: str, deadline: float) -> InnerStream:
        """Connect within ``deadline`` seconds, which go on counting. Raises Unreachable, TimedOut."""
        return cls.through(("docker", "exec", "-i", container), path, deadline)

    @classmethod
    def through(cls, run: Sequence[str], path: str, deadline: float) -> InnerStream:
        """The same, where ``run`` is the beginning of a command line that runs its rest inside."""
        began = time.monotonic()
        ours, theirs = socket.socketpair()
        command = (*run, "perl", "-e", _HELPER, path)
        try:
            helper = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE)
        except OSError as error:
            ours.close()
            raise Unreachable(f"{path} inside the target: {command[0]} cannot be run: {error.strerror}") from None
        finally:
            theirs.close()
        stream = cls(ours, deadline - (time.monotonic() - began), helper)
        try:
            stream._await_connection(path)
        except BaseException:
            stream.close()
            raise
        return stream

    def receive(self) -> bytes:
        """The next bytes; empty when the peer has closed in order, which the helper attests. Raises as its parent."""
        data, self._early = self._early or super().receive(), b""
        if not data and (trouble := self._trouble()):
            raise ConnectionDropped(f"the connection inside the target broke: {trouble}")
        return data

    def close(self) -> None:
        """Close our end, on which the helper ends; safe to repeat."""
        super().close()
        with suppress(subprocess.TimeoutExpired):
            self._helper.wait(_FAREWELL)
        self._helper.kill()
        self._helper.wait()
        if self._helper.stderr:
            self._helper.stderr.close()

    def _await_connection(self, path: str) -> None:
        """What the helper says first is that it is connected; what the peer says may come along with it."""
        data = super().receive()
        if not data.startswith(_CONNECTED):
            trouble = printable(data) or self._trouble()
            raise Unreachable(f"{path} inside the target accepts no connection: {trouble}")
        self._early = data.removeprefix(_CONNECTED)

    def _trouble(self) -> str:
        """Why the helper has ended, "" where the peer closed in order."""
        try:
            status = self._helper.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            return "the helper inside does not end"
        if status == 0:
            return ""
        words = self._helper.stderr.read().decode(errors="replace").strip() if self._helper.stderr else ""
        return words.rpartition("\n")[2] or f"the helper inside ended with status {status}"
