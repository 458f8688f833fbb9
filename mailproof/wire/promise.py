"""Whether a ClientHello keeps what an offer promises: a probe that our TLS library thinned asks another question.

Pure. The hello is read by our own parser and the cipher list by our own table, so the library does not vouch for
itself.
"""

from __future__ import annotations

from mailproof.wire.offers import VERSIONS, Offer
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.suites import NAMES, asks_for, elements, is_tls13, rank


def broken_promise(offer: Offer, hello: ClientHello) -> str | None:
    """What is amiss in ``hello``, as a clause; None where it offers exactly what ``offer`` promises."""
    problems = (_versions(offer, hello), _old_suites(offer, hello), _new_suites(offer, hello), _rest(offer, hello))
    return next((problem for problem in problems if problem), None)


def _versions(offer: Offer, hello: ClientHello) -> str | None:
    newest = max(offer.versions, key=VERSIONS.index)
    listed = offer.versions if newest == "TLSv1.3" else (newest,)
    # Up to TLS 1.2 a hello may name its highest version alone; a library may also list them all.
    if set(hello.versions) in (set(listed), set(offer.versions)):
        return None
    return f"it offers {', '.join(hello.versions)} instead of {', '.join(offer.versions)}"


def _old_suites(offer: Offer, hello: ClientHello) -> str | None:
    """Suites up to TLS 1.2: only what the list asks for, something for each element of it, in its order."""
    names = [NAMES.get(number, f"0x{number:04X}") for number in hello.suites if not is_tls13(number)]
    if offer.versions == ("TLSv1.3",):
        return "it offers suites of older versions" if names else None
    ranks = {name: rank(name, offer.suites) for name in names}
    for name, place in ranks.items():
        if place is None:
            return f"it offers the suite {name}, which nobody asked for"
    for element in elements(offer.suites):
        if not any(asks_for(element, name) for name in names):
            return f"it offers no suite of the kind {element}"
    places = [place for place in ranks.values() if place is not None]
    return None if places == sorted(places) else "its suites are not in the promised order"


def _new_suites(offer: Offer, hello: ClientHello) -> str | None:
    promised, offered = "TLSv1.3" in offer.versions, any(map(is_tls13, hello.suites))
    return None if promised == offered else f"it offers {'' if offered else 'no '}TLS 1.3 suites"


def _rest(offer: Offer, hello: ClientHello) -> str | None:
    if hello.server_name != offer.server_name:
        return f"it names the server {hello.server_name} instead of {offer.server_name}"
    needs_group = any("ECDHE" in element for element in elements(offer.suites)) or "TLSv1.3" in offer.versions
    return "it offers no group for the key exchange" if needs_group and not hello.groups else None
