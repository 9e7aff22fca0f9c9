"""``polysms webhooks``: an account's address, and why a webhook is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polysms.cli.failure import DONE, NOT_SENT, reported
from polysms.cli.options import WHERE, File, Json, configured
from polysms.cli.output import Output, plainly
from polysms.config import Account, Config
from polysms.config.reading import fault
from polysms.errors import BadPayload, BadSignature, ConfigError
from polysms.webhooks import Belief, WebhookRequest, address, explain, read, verify

webhooks = typer.Typer(
    name="webhooks",
    help="The addresses for providers, and why what they post is refused.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="ACCOUNT", show_default=False)]
Saved = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The request as it came: its lines, headers and body."),
]
Address = Annotated[
    str | None, typer.Option("--address", metavar="URL", help="The URL that was posted to.")
]
Header = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header; may be repeated."),
]
Body = Annotated[
    str | None, typer.Option("--body", metavar="TEXT", help="The body; @FILE reads a file.")
]
Source = Annotated[
    str | None, typer.Option("--source", metavar="ADDRESS", help="The IP address it came from.")
]
#: The longest file that is read: no request comes near.
_LONGEST = 1 << 20


@webhooks.command("url")
@reported
def url(*, account: Name, config: File = None, json: Json = False) -> int:
    """Print the address to give to an account's provider, alone on a line.

    It holds a secret: who knows it can post. Exit codes: 0 done; 2 wrong
    usage or configuration.
    """
    whole = configured(config, None)
    found = address(whole.account(account), _public_url(whole))
    output = Output(json=json)
    if json:
        output.document({"account": account, "url": found})
    else:
        typer.echo(found)
    return DONE


@webhooks.command("test")
@reported
def examined(  # noqa: PLR0913 - one argument for each option
    *,
    account: Name,
    file: Saved = None,
    address: Address = None,
    header: Header = None,
    body: Body = None,
    source: Source = None,
    config: File = None,
    json: Json = False,
) -> int:
    """Tell whether a webhook is believed, and if not, which part is wrong.

    Give the request as a file, or by --address, --header and --body.
    Nothing is sent, and nothing kept. Exit codes: 0 it is believed; 2 wrong
    usage or configuration; 3 it is refused.
    """
    whole = configured(config, None)
    known, public = whole.account(account), _public_url(whole)
    if (file is None) == (address is None):
        raise ConfigError("give the request: a FILE, or --address with --header and --body")
    request = _request(address or "/", header or [], body) if file is None else _saved(file)
    belief, part, sentences = _judged(known, request, public, source)
    output = Output(json=json)
    if json:
        output.document({"belief": belief, "part": part, "why": list(sentences)})
    else:
        for sentence in sentences:
            output.say(plainly(sentence))
    return NOT_SENT if belief is Belief.REFUSED else DONE


def _judged(
    account: Account, request: WebhookRequest, public_url: str, source: str | None
) -> tuple[Belief, str | None, tuple[str, ...]]:
    """Return what a receiver thinks of a request, the part that is wrong, and sentences."""
    verdict = verify(account, request, public_url, source)
    sentences = explain(account, request, public_url, source)
    if verdict.belief is Belief.REFUSED:
        return verdict.belief, verdict.part, sentences
    try:
        read(account, request, public_url, source)
    except BadPayload as error:
        return Belief.REFUSED, "body", (f"refused: body: {error}",)
    except BadSignature as error:
        return Belief.REFUSED, "signature", (str(error).removeprefix("the webhook is "),)
    return verdict.belief, verdict.part, sentences


def _public_url(config: Config) -> str:
    if config.public_url is None:
        sentence = "public_url: is missing; it is where providers reach us"
        raise ConfigError(sentence, key="public_url")
    return config.public_url


def _request(address: str, headers: list[str], body: str | None) -> WebhookRequest:
    pairs = [_pair(one) for one in headers]
    content = (body or "").encode()
    if body is not None and body.startswith("@"):
        content = _read(Path(body[1:]))
    return WebhookRequest("POST", address, pairs, content)


def _pair(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise fault("--header", "write it as NAME:VALUE", WHERE)
    return name.strip(), value.strip()


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_LONGEST)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def _saved(file: Path) -> WebhookRequest:
    """Return the request of a file: ``POST /path HTTP/1.1``, headers, an empty line, the body."""
    content = _read(file)
    end = "\r\n" if b"\r\n\r\n" in content else "\n"
    head, _, body = content.partition((end * 2).encode())
    first, *rest = head.decode("latin-1").split(end)
    words = first.split(" ")
    if len(words) not in {2, 3} or any(":" not in line for line in rest):
        sentence = "is no request: its first line is as POST /path HTTP/1.1, headers follow"
        raise ConfigError(f"{file}: {sentence}")
    return WebhookRequest(words[0], words[1], [_pair(line) for line in rest], body)
