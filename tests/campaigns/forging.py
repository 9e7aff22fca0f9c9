"""What can be changed of a webhook so that it is not the provider's any more.

Each change here is of what is signed or proved, or makes the body one that nobody can read without
guessing. What means the same (a header's case, a slash at the end, an account's name or a reference
that is percent-encoded, a form's escapes) is no forgery, and is not among them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote

import attrs

from polysms import Config
from polysms.config import Account
from polysms.webhooks import address
from tests.webhooks.forms import FORM, FORMS, JSON, PUBLIC, REFERENCE, Form

OTHER = "0192f1a0-0000-7000-8000-000000000002"
SIGNATURE = "x-signalwire-signature"
#: From where the account that limits its sources is posted to.
SOURCE = "192.0.2.17"
KEYS = {"signalwire": "PSK-first-0123456789", "signalwire-two": "PSK-second-9876543210"}
TABLES: dict[str, dict[str, Any]] = {
    "wavix": {"api_key": "wavix-key", "webhook_token": "wavix-0123456789abcdef"},
    "wavix-two": {
        "provider": "wavix",
        "api_key": "wavix-key",
        "webhook_token": "other-0123456789ABCDEF",
        "verify_reports": "trust",
        "sources": ["192.0.2.0/24"],
    },
    "carrierx": {"token": "carrierx-key", "webhook_token": "carrierx-0123456789abcdef"},
    "carrierx-two": {
        "provider": "carrierx",
        "token": "carrierx-key",
        "webhook_token": "carrierx-fedcba9876543210",
        "verify_reports": "trust",
    },
    "signalwire": {
        "space": "example",
        "project_id": "p-1",
        "api_token": "signalwire-key",
        "signing_key": KEYS["signalwire"],
    },
    "signalwire-two": {
        "provider": "signalwire",
        "space": "example",
        "project_id": "p-2",
        "api_token": "signalwire-key",
        "webhook_token": "signalwire-0123456789abcdef",
        "signing_key": ["PSK-next-0123456789", KEYS["signalwire-two"]],
    },
}
#: A body of 10 MB; one for all, because to make it takes longer than to refuse it.
LARGE = b'{"message_id":"' + b"x" * 10_000_000 + b'"}'
_METHODS = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POSTS", "", "POST\x00")
_SOURCES = (None, "", "192.0.3.17", "10.0.0.1", "::1", "192.0.2.17, 10.0.0.1", "192.0.2", "::")
_STRANGE = ("\x00", "%00", " ", "%20", "\u0131", "\uff57", "\u200b", "\ud83d", "\r\n", "é", "%")


@attrs.frozen(kw_only=True)
class Post:
    """One request: ``headers`` as pairs, so that one may come twice.

    Who sends one that ``is_cut_off`` goes away before its end; only an ASGI app can tell.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source: str | None = SOURCE
    is_cut_off: bool = False

    def header(self, name: str, *values: str) -> Post:
        """Return it with a header once for each value."""
        rest = [pair for pair in self.headers if pair[0].lower() != name]
        return attrs.evolve(self, headers=(*rest, *((name, value) for value in values)))


@attrs.frozen(kw_only=True)
class Case:
    """A request that is right, of a form, and what proves it."""

    name: str
    form: Form
    account: Account
    reference: str | None
    post: Post
    url: str
    other: str

    @property
    def key(self) -> str | None:
        """What signs it, None where nothing does."""
        return KEYS.get(self.account.name)

    @property
    def is_hashed(self) -> bool:
        """Whether its URL names its body's hash."""
        return "bodySHA256" in self.post.url

    @property
    def parts(self) -> tuple[str, str, str]:
        """What is before the account's name, and that name, and the parts after it."""
        before = PUBLIC.partition("://")[2].partition("/")[2]
        target = self.post.url.partition("?")[0].removeprefix(f"/{before}/")
        name, _, rest = target.partition("/")
        return f"/{before}", name, rest

    @property
    def query(self) -> str:
        """The query with its mark, empty where there is none."""
        _, mark, query = self.post.url.partition("?")
        return f"{mark}{query}"

    @property
    def token(self) -> str:
        """The account's part of the path."""
        return self.parts[2].partition("/")[0]

    @property
    def proof(self) -> str:
        """The message's part of the path, empty where there is none."""
        return self.parts[2].partition("/")[2]

    def at(self, rest: str, name: str | None = None) -> Post:
        """Return the request as posted to another path of an account, its signature as it was."""
        before, own, _ = self.parts
        return self.to(f"{before}/{name or own}/{rest}{self.query}")

    def to(self, url: str) -> Post:
        """Return the request as posted to another URL, its signature as it was."""
        return attrs.evolve(self.post, url=url)

    def signed(self, post: Post) -> Post:
        """Return a request with a signature that is right for it, where one belongs to it."""
        if self.key is None:
            return post
        url = PUBLIC.removesuffix(self.parts[0]) + post.url
        return post.header(SIGNATURE, signature(self.form, self.key, url, post.body))


def signature(form: Form, key: str, url: str, body: bytes) -> str:
    """Return SignalWire's signature, written from its guide and not from our code."""
    if not form.is_form:
        text = url.encode(errors="surrogatepass") + body
        return hmac.new(key.encode(), text, hashlib.sha1).hexdigest()
    rest = concatenated(body) if form.method == "POST" else b""
    return _base64(key, url.encode(errors="surrogatepass") + rest)


def concatenated(body: bytes) -> bytes:
    """Return what is signed of a form, which does not tell a name from its value."""
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return "".join(name + value for name, value in sorted(pairs)).encode("latin-1")


def _base64(key: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha1).digest()).decode()


def cases() -> list[Case]:
    """Return every form, for each account of its provider, at both of its addresses."""
    config = Config.from_mapping({"accounts": TABLES})
    found = []
    for name, form in FORMS.items():
        for account in config.accounts.values():
            if account.provider_name == form.provider:
                found += [_case(name, form, account, one) for one in (None, REFERENCE)]
    swml = FORMS["signalwire swml"]
    return found + [_hashed(swml, config.account(name)) for name in KEYS]


def _case(name: str, form: Form, account: Account, reference: str | None) -> Case:
    whole, body = address(account, PUBLIC, reference), form.encoded()
    if form.method == "GET":
        whole, body = f"{whole}?{body.decode()}", b""
    elif form.provider == "signalwire" and reference is None:
        whole = f"{whole}?campaign=spring"
    post = Post(
        method=form.method,
        url=whole.removeprefix(PUBLIC.removesuffix("/hooks")),
        headers=tuple((FORM if form.is_form and form.method == "POST" else JSON).items()),
        body=body,
    )
    if account.name in KEYS:
        post = post.header(SIGNATURE, signature(form, KEYS[account.name], whole, body))
    return Case(
        name=f"{name}, {account.name}{'' if reference is None else ', of a message'}",
        form=form,
        account=account,
        reference=reference,
        post=post,
        url=whole,
        other=address(account, PUBLIC, OTHER).rpartition("/")[2],
    )


def _hashed(form: Form, account: Account) -> Case:
    case = _case("hashed swml", form, account, None)
    digest = hashlib.sha256(case.post.body).hexdigest()
    target = f"{case.post.url.partition('?')[0]}?bodySHA256={digest}"
    whole = PUBLIC.removesuffix("/hooks") + target
    post = case.to(target).header(SIGNATURE, _base64(KEYS[account.name], whole.encode()))
    return attrs.evolve(case, post=post, url=whole)


#: A forged request, or None where this change is none for a case.
Change = Callable[[Case, Random], Post | None]
CHANGES: dict[str, Change] = {}


def _change(function: Change) -> Change:
    CHANGES[function.__name__.strip("_").replace("_", " ")] = function
    return function


def _flipped(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + chr(ord(text[place]) ^ 1 << random.randrange(7)) + text[place + 1 :]


def _cut(text: str, random: Random) -> str:
    return text[: random.randrange(len(text))] if random.random() < 0.5 else text[1:]


def _with(text: str, random: Random, what: str) -> str:
    place = random.randint(0, len(text))
    return text[:place] + what + text[place:]


def _encoded(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return f"{text[:place]}%{ord(text[place]):02X}{text[place + 1 :]}"


def _mangled(text: str, random: Random) -> str:
    """Return a secret that is not this one."""
    return random.choice(
        (
            _flipped(text, random),
            _cut(text, random),
            _with(text, random, random.choice(_STRANGE)),
            _encoded(text, random),
            text.swapcase(),
            text[::-1],
            f"{text}{text}",
            f"{text}a",
            quote(quote(text, safe=""), safe="")[:-1],
        )
    )


def _perhaps_signed(case: Case, post: Post, random: Random) -> Post | None:
    """Return a request to a wrong path; a right signature does not make up for that."""
    if post.url == case.post.url:
        return None
    # With a mark, the path may have lost its parts, and with them what is wrong.
    plain = post.url.count("?") == case.post.url.count("?") and "#" not in post.url
    return case.signed(post) if plain and random.random() < 0.5 and not case.is_hashed else post


# The path.


@_change
def _account_token(case: Case, random: Random) -> Post | None:
    rest = _mangled(case.token, random)
    if not rest.strip("/"):
        return None
    return _perhaps_signed(case, case.at(f"{rest}/{case.proof}".rstrip("/")), random)


@_change
def _account_token_missing(case: Case, _: Random) -> Post | None:
    before, name, _rest = case.parts
    return case.to(f"{before}/{name}{case.query}")


@_change
def _token_of_another_account(case: Case, random: Random) -> Post | None:
    theirs = [one for one in _tokens().values() if one != case.token]
    rest = case.parts[2].replace(case.token, random.choice(theirs), 1)
    return _perhaps_signed(case, case.at(rest), random)


@_change
def _address_of_another_account(case: Case, random: Random) -> Post | None:
    theirs = [name for name in TABLES if name != case.account.name]
    return _perhaps_signed(case, case.at(case.parts[2], random.choice(theirs)), random)


@_change
def _account_unknown(case: Case, random: Random) -> Post | None:
    name = random.choice(("", ".", "..", "null", "WAVIX", "wavix%00", "wavix;", "%2e%2e", "hooks"))
    before = case.parts[0]
    return case.to(f"{before}/{name}/{case.parts[2]}{case.query}")


@_change
def _path_around(case: Case, random: Random) -> Post | None:
    before, name, rest = case.parts
    path = random.choice(
        (
            f"/{before}/{name}/{rest}",
            f"{before}//{name}/{rest}",
            f"{before}/{name}//{rest}",
            f"{before}/{name}/{rest}//",
            f"{before}/./{name}/{rest}",
            f"{before}/{name}/./{rest}",
            f"{before}/{name}/x/../{rest}",
            f"{before}/x/../{name}/{rest}",
            f"{before}/{name}%2F{rest}",
            f"{before}/{name}\\{rest}",
            f"{before}/{rest}/{name}",
            f"{before}{before}/{name}/{rest}",
            f"{before}/{name}/{rest}/{rest}",
            f"{before}/{name};{rest}",
        )
    )
    return case.to(path + case.query)


@_change
def _message_token(case: Case, random: Random) -> Post | None:
    reference, _, proof = case.proof.rpartition(".")
    if not proof:
        return None
    forged = random.choice(
        (
            f"{reference}.{_mangled(proof, random)}",
            f"{_flipped(reference, random)}.{proof}",
            f"{reference[:-1]}.{proof}",
            f"{OTHER}.{proof}",
            f"{reference}.{case.other.rpartition('.')[2]}",
            f"{proof}.{reference}",
            f"{reference}{proof}",
            f"{reference}.",
            f".{proof}",
            proof,
            reference,
            f"{reference}.{proof}.{proof}",
            f"{case.proof}/{case.proof}",
            f"{reference}.{case.token}",
        )
    )
    return _perhaps_signed(case, case.at(f"{case.token}/{forged}"), random)


@_change
def _message_token_added(case: Case, random: Random) -> Post | None:
    if case.reference is not None:
        return None
    made_up = base64.urlsafe_b64encode(random.randbytes(18)).decode()
    return _perhaps_signed(case, case.at(f"{case.token}/{REFERENCE}.{made_up}"), random)


@_change
def _message_token_of_another_account(case: Case, random: Random) -> Post | None:
    theirs = [one for name, one in _proofs().items() if name != case.account.name]
    rest = f"{case.token}/{random.choice(theirs)}"
    return _perhaps_signed(case, case.at(rest), random)


@_change
def _message_token_alone(case: Case, random: Random) -> Post | None:
    rest = random.choice((case.proof, f"{case.proof}/{case.token}"))
    return _perhaps_signed(case, case.at(rest), random) if case.proof else None


# The method, and where it comes from.


@_change
def _method(case: Case, random: Random) -> Post | None:
    method = random.choice(_METHODS)
    return None if method == case.post.method else attrs.evolve(case.post, method=method)


@_change
def _source(case: Case, random: Random) -> Post | None:
    if not case.account.sources:
        return None
    return attrs.evolve(case.post, source=random.choice(_SOURCES))


# What is signed.


def _resaid(case: Case, body: bytes) -> Post | None:
    """Return a request with another body, unless that is signed alike."""
    if case.key is None or case.form.method == "GET":
        return None
    if case.form.is_form and concatenated(body) == concatenated(case.post.body):
        return None
    return None if body == case.post.body else attrs.evolve(case.post, body=body)


@_change
def _body_bit(case: Case, random: Random) -> Post | None:
    if not case.post.body:
        return None
    body = bytearray(case.post.body)
    body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return _resaid(case, bytes(body))


@_change
def _body_byte(case: Case, random: Random) -> Post | None:
    body, place = case.post.body, random.randint(0, len(case.post.body))
    more = random.randbytes(random.randint(0, 3))
    return _resaid(case, body[:place] + more + body[place + random.randint(0, 3) :])


@_change
def _body_cut(case: Case, random: Random) -> Post | None:
    return _resaid(case, case.post.body[: random.randrange(len(case.post.body) + 1)])


@_change
def _body_longer(case: Case, random: Random) -> Post | None:
    more = random.choice((b"\n", b" ", b"\r\n", b"\x00", b"{}", b"&a=b", b"&Body=STOP"))
    return _resaid(case, case.post.body + more)


@_change
def _body_of_another_meaning(case: Case, random: Random) -> Post | None:
    words = {**case.form.body, random.choice(list(case.form.body)): "delivered", "more": "x"}
    return _resaid(case, case.form.encoded(words))


@_change
def _query(case: Case, random: Random) -> Post | None:
    if case.key is None:
        return None
    url = case.post.url
    mark = "&" if "?" in url else "?"
    changed = (f"{url}{mark}a=b", f"{url}&", f"{url}=", url.partition("?")[0], f"{url}%00")
    forged = case.to(random.choice(changed))
    return None if forged.url == url else forged


@_change
def _border_of_url_and_body(case: Case, random: Random) -> Post | None:
    if case.key is None or case.form.method == "GET" or case.is_hashed:
        return None
    said = concatenated(case.post.body) if case.form.is_form else case.post.body
    place = random.randint(1, len(said))
    moved = said[:place].decode("latin-1")
    forged = attrs.evolve(case.post, url=case.post.url + moved, body=said[place:])
    return attrs.evolve(forged, method="GET") if random.random() < 0.3 else forged


@_change
def _content_type(case: Case, random: Random) -> Post | None:
    if case.key is None or case.form.method == "GET":
        return None
    kinds = JSON if case.form.is_form else FORM
    # What is neither is JSON to us, and so a change for a form only.
    kind = "text/plain" if case.form.is_form and random.random() < 0.5 else kinds["content-type"]
    return None if case.is_hashed else case.post.header("content-type", kind)


@_change
def _key(case: Case, random: Random) -> Post | None:
    if case.key is None:
        return None
    key = random.choice(
        (_flipped(case.key, random), case.key[:-1], f"{case.key} ", "", "null", case.key.lower())
    )
    form = attrs.evolve(case.form, is_form=True, method="GET") if case.is_hashed else case.form
    return case.post.header(SIGNATURE, signature(form, key, case.url, case.post.body))


@_change
def _signed_for_another_place(case: Case, random: Random) -> Post | None:
    if case.key is None or case.is_hashed:
        return None
    url = random.choice(
        (
            case.url.replace("https://", "http://"),
            case.url.replace("sms.example.com", "sms.example.org"),
            case.url.replace("example.com", "example.com:8443"),
            case.url.replace("/hooks", ""),
            case.post.url,
            "",
        )
    )
    return case.post.header(SIGNATURE, signature(case.form, case.key, url, case.post.body))


@_change
def _signature(case: Case, random: Random) -> Post | None:
    right = dict(case.post.headers).get(SIGNATURE)
    if right is None:
        return None
    forged = random.choice(
        (
            _flipped(right, random),
            right[: random.randrange(1, len(right))],
            right + right,
            right.swapcase(),
            right[::-1],
            _recoded(right),
            f"{right}, {right}",
            f"sha1={right}",
            "null",
            "",
            "0" * len(right),
        )
    )
    return None if forged == right else case.post.header(SIGNATURE, forged)


def _recoded(right: str) -> str:
    if len(right) == 40:
        return base64.b64encode(bytes.fromhex(right)).decode()
    return base64.b64decode(right).hex()


@_change
def _signature_twice(case: Case, random: Random) -> Post | None:
    right = dict(case.post.headers).get(SIGNATURE)
    if right is None:
        return None
    wrong = _flipped(right, random)
    pairs = ((right, right), (wrong, right), (right, wrong), (right, ""), ("", right))
    return case.post.header(SIGNATURE, *random.choice(pairs))


@_change
def _signature_hidden_by_another(case: Case, random: Random) -> Post | None:
    right = dict(case.post.headers).get(SIGNATURE)
    if right is None:
        return None
    forged = case.post.header("x-twilio-signature", right)
    return forged.header(SIGNATURE, _flipped(right, random))


@_change
def _signature_missing(case: Case, random: Random) -> Post | None:
    # Where a message's own address proves it, a report without one is a hint, and no forgery.
    if case.key is None or (case.reference is not None and not case.form.inbound):
        return None
    bare = case.post.header(SIGNATURE)
    name = random.choice(("", "x-signature", "signature", "x-signalwire-signature-2"))
    return bare.header(name, dict(case.post.headers)[SIGNATURE]) if name else bare


@_change
def _hash(case: Case, random: Random) -> Post | None:
    if not case.is_hashed:
        return None
    body = case.post.body + b" "
    digest = hashlib.sha256(body).hexdigest()
    url = random.choice(
        (
            case.post.url,
            f"{case.post.url.partition('?')[0]}?bodySHA256={digest}",
            f"{case.post.url}&bodySHA256={digest}",
            case.post.url.partition("?")[0],
        )
    )
    return attrs.evolve(case.post, url=url, body=body)


# What cannot be read, though it is proved.


def _proved(case: Case, body: bytes) -> Post | None:
    """Return a request with another body, and with a signature that is right for it."""
    if case.form.method == "GET" or case.is_hashed:
        return None
    return case.signed(attrs.evolve(case.post, body=body))


@_change
def _json_cut(case: Case, random: Random) -> Post | None:
    body = case.post.body
    return None if case.form.is_form else _proved(case, body[: random.randrange(len(body))])


@_change
def _json_deep(case: Case, random: Random) -> Post | None:
    if case.form.is_form:
        return None
    depth = random.choice((12, 50, 900, 5_000, 30_000))
    opened, closed = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    if depth * len(opened + closed) > 60_000:
        depth = 8_000
    deep = opened * depth + b"1" + closed * depth
    return _proved(case, case.post.body[:-1] + b',"deep":' + deep + b"}")


@_change
def _key_twice(case: Case, random: Random) -> Post | None:
    name, value = random.choice(list(case.form.body.items()))
    if case.form.is_form:
        return _proved(case, case.post.body + f"&{name}={random.choice(('', 'x'))}".encode())
    again = random.choice((value, "other", None))
    more = f",{json.dumps(name)}:{json.dumps(again)}}}"
    return _proved(case, case.post.body[:-1] + more.encode())


@_change
def _no_object(case: Case, random: Random) -> Post | None:
    bodies = (b"", b" ", b"[]", b"1", b'"x"', b"null", b"[" + case.post.body + b"]", b"{", b"\xff")
    return _proved(case, random.choice(bodies))


@_change
def _no_text(case: Case, random: Random) -> Post | None:
    body = case.post.body
    if case.form.is_form:
        return _proved(case, body + random.choice((b"&x=%ff", b"&x=%C0%AF", b"&x=%ed%a0%80")))
    place = random.randrange(1, len(body))
    wrong = random.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\x1f"))
    return _proved(
        case,
        random.choice(
            (
                body[:place] + wrong + body[place:],
                b"\xef\xbb\xbf" + body,
                body.decode().encode("utf-16"),
                gzip.compress(body),
                random.randbytes(random.randint(1, 200)),
            )
        ),
    )


@_change
def _about_no_message(case: Case, _: Random) -> Post | None:
    names = {"message_id", "message_sid", "id", "message", "MessageSid", "SmsSid"}
    left = {name: value for name, value in case.form.body.items() if name not in names}
    return _proved(case, case.form.encoded(left))


@_change
def _too_large(case: Case, random: Random) -> Post | None:
    sizes = (64 * 1024 + 1, 100_000, 1_000_000, len(LARGE))
    body = LARGE[: random.choice(sizes)]
    # Not signed anew: what is too large is not looked at.
    return None if case.form.method == "GET" else attrs.evolve(case.post, body=body)


@_change
def _url_too_long(case: Case, random: Random) -> Post | None:
    mark = "&" if "?" in case.post.url else "?"
    return case.to(f"{case.post.url}{mark}{'x' * random.choice((66_000, 200_000))}")


@_change
def _cut_off(case: Case, random: Random) -> Post | None:
    body = case.post.body[: random.randrange(len(case.post.body) + 1)]
    return attrs.evolve(case.post, body=body, is_cut_off=True)


@_change
def _too_many_fields(case: Case, _: Random) -> Post | None:
    if not case.form.is_form:
        return None
    more = "".join(f"&x{number}=1" for number in range(600))
    return _proved(case, case.post.body + more.encode())


def _tokens() -> Mapping[str, str]:
    if not _TOKENS:
        config = Config.from_mapping({"accounts": TABLES})
        for name, account in config.accounts.items():
            _TOKENS[name], _PROOFS[name] = address(account, "", REFERENCE).split("/")[-2:]
    return _TOKENS


def _proofs() -> Mapping[str, str]:
    _tokens()
    return _PROOFS


_TOKENS: dict[str, str] = {}
_PROOFS: dict[str, str] = {}
