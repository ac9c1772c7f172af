"""Requests and answers without personal data and secrets, fit to be kept.

Both sides of a pair and the request are treated alike, under one key: answers that agreed still
agree, and a user's rows still belong together. A body that was compressed and in which something
was found is kept plain, and its headers say so. A body that cannot be looked into (damaged, in an
unknown coding, larger than is read) is not kept: nobody could decode it later either, so that it
counts as what it counted as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from harness.dialects.encoding import charset_of, decoded_text
from harness.dialects.redaction.document import Documents
from harness.dialects.redaction.kinds import FINDERS, KINDS, UnredactableError
from harness.dialects.redaction.members import Member
from harness.dialects.redaction.pseudonym import Pseudonyms
from harness.exchange import Exchange, Failure, Headers, Request, Response
from harness.output import Undecodable
from harness.pair import Kept, Pair


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is taken out of everything that is kept of a pair.

    Args:
        what: Names of kinds (`KINDS`), and JSONPaths of members that are replaced whatever they
            hold; a path such as `$.name` means a field of a form or query too.
        key: Secret under which pseudonyms are made. Runs under one key can be joined.

    Raises:
        ValueError: Something is neither a kind nor a JSONPath.
    """

    what: Sequence[str]
    key: bytes = field(repr=False)
    _kinds: tuple[str, ...] = field(init=False, repr=False)
    _members: tuple[Member, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for one in self.what:
            check(one)
        kinds = tuple(kind for kind in FINDERS if kind in self.what)
        object.__setattr__(self, "_kinds", kinds)
        members = tuple(Member(one) for one in self.what if one.startswith("$"))
        object.__setattr__(self, "_members", members)

    def __call__(self, kept: Kept) -> Kept:
        """A pair, or what was observed, as it may be kept. Doing it again finds nothing more.

        Raises:
            UnredactableError: It must not be kept at all.
        """
        work = _Work(Documents(self._kinds, self._members, Pseudonyms(self.key)))
        request, champion = work.request(kept.request), work.exchange(kept.champion)
        if isinstance(kept, Pair):
            kept = replace(kept, challenger=work.exchange(kept.challenger))
        # After the bodies: what was taken out of them is taken out of these too.
        value = work.documents.value
        return replace(
            kept,
            request=request,
            champion=champion,
            external_id=None if kept.external_id is None else value(kept.external_id),
            cluster_id=value(kept.cluster_id),
            segments={
                name: None if of is None else value(of) for name, of in kept.segments.items()
            },
            truth=None if kept.truth is None else work.truth(kept.truth),
            content_hash=work.documents.pseudonyms.digest(kept.content_hash),
        )


def check(what: str) -> None:
    """See whether something can be taken out.

    Raises:
        ValueError: It is neither a kind nor a JSONPath; says what is.
    """
    if what.startswith("$"):
        Member(what)
    elif what not in FINDERS:
        known = ", ".join(KINDS)
        raise ValueError(f"is {what!r}, must be one of {known}, or a JSONPath such as $.user.name")


@dataclass(frozen=True, slots=True)
class _Work:
    """One pair being made fit."""

    documents: Documents

    def request(self, request: Request) -> Request:
        body, headers = self._content(request.body, request.headers)
        return replace(
            request,
            target=_on_bytes(self._target, request.target),
            headers=self._headers(headers),
            body=body,
        )

    def exchange(self, exchange: Exchange) -> Exchange:
        outcome = exchange.outcome
        version = exchange.model_version
        return replace(
            exchange,
            outcome=self._failure(outcome)
            if isinstance(outcome, Failure)
            else self._response(outcome),
            model_version=None if version is None else self.documents.text(version),
        )

    def truth(self, truth: str) -> str:
        """JSON text of the right label."""
        try:
            label = orjson.loads(truth)
        except orjson.JSONDecodeError:
            return self.documents.text(truth)
        text = label if isinstance(label, str) else truth
        if isinstance(label, str) or truth in self.documents.taken:
            new = self.documents.value(text)
            return truth if new == text else orjson.dumps(new).decode()
        return self.documents.document(truth, "application/json")

    def _failure(self, failure: Failure) -> Failure:
        response = failure.response
        return replace(
            failure,
            detail=self.documents.text(failure.detail),
            response=None if response is None else self._response(response),
        )

    def _response(self, response: Response) -> Response:
        body, headers = self._content(response.body, response.headers)
        return replace(response, headers=self._headers(headers), body=body)

    def _content(self, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
        """A body without what is to be taken out, and the headers that fit it then."""
        if not body:
            return body, headers
        plain = decoded_text(body, headers)
        if isinstance(plain, Undecodable):
            return b"", headers
        text = plain.decode("utf-8", "surrogateescape")
        try:
            new = self.documents.document(text, _media_type(headers))
        except UnredactableError:
            return b"", headers
        if new == text:
            return body, headers
        content = _encoded(new, charset_of(headers))
        return content, _plain_headers(headers, len(content))

    def _target(self, target: str) -> str:
        path, question_mark, query = target.partition("?")
        return self.documents.path(path) + question_mark + self.documents.form(query)

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, _on_bytes(self.documents.text, value)) for name, value in headers)


def _on_bytes(change: Callable[[str], str], written: str) -> str:
    """Change text of which each character stands for a byte on the wire, as UTF-8."""
    if written.isascii():
        return change(written)
    text = written.encode("latin-1").decode("utf-8", "surrogateescape")
    return change(text).encode("utf-8", "surrogateescape").decode("latin-1")


def _media_type(headers: Headers) -> str:
    for name, value in headers:
        if name.lower() == "content-type":
            return value.partition(";")[0].strip().lower()
    return ""


def _encoded(text: str, charset: str) -> bytes:
    """In the charset that the headers name. What is put in is ASCII, the rest came from it."""
    try:
        return text.encode(charset, "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")  # it said ASCII and was not


def _plain_headers(headers: Headers, n_bytes: int) -> Headers:
    """Headers of a body that is kept without its content coding."""
    return tuple(
        (name, str(n_bytes) if name.lower() == "content-length" else value)
        for name, value in headers
        if name.lower() != "content-encoding"
    )
