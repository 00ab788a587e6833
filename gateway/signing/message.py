"""Signs a finished message: an unsigned one in canonical form becomes a signed one."""

from __future__ import annotations

from lxml import etree

from gateway.errors import Invalid, Problem
from gateway.messages import Catalogue, MessageType, parse_xml, problems_of
from gateway.ports import Signer
from gateway.signing.element import sign
from gateway.signing.verify import MESSAGE_BYTES_MAX, SIGNATURE, verify


async def sign_message(data: bytes, catalogue: Catalogue, signer: Signer, set_name: str) -> bytes:
    """The signed message. Raises Invalid, with the reason, for what cannot be signed as it is."""
    root = parse_xml(data, max_bytes=MESSAGE_BYTES_MAX)
    type_ = _signable(root, data, catalogue)
    element = await sign(data, signer, set_name)
    place = _place(root, data, type_)
    signed = data[:place] + element + data[place:]
    verdict = verify(signed)
    if verdict.status != "valid":
        raise _refused(
            "G-signed",
            "签名后的报文未通过验证",
            f"the signed message does not verify: {verdict.fault}",
        )
    return signed


def _signable(root: etree._Element, data: bytes, catalogue: Catalogue) -> MessageType:
    """The type of the message, when it is one that can be signed as it stands."""
    type_ = catalogue.by_root(str(root.tag))
    if type_ is None or type_.is_record:
        raise _refused("X-root", "不是已知的报文类型", "the root element is no message type")
    if type_.schema.signature is None:
        raise _refused("G-unsigned", f"{type_.name} 不签名", f"{type_.name} carries no signature")
    if root.find(SIGNATURE) is not None:
        raise _refused("G-twice", "报文已签名", "the message is signed already")
    canonical = etree.tostring(root.getroottree(), method="c14n", with_comments=False)
    if canonical != data:
        byte = next(
            (n for n, (one, two) in enumerate(zip(canonical, data, strict=False)) if one != two),
            min(len(canonical), len(data)),
        )
        raise _refused(
            "G-canonical", f"报文不是规范形式（C14N 1.0）：自第 {byte} 字节起不同",
            f"the message is not in canonical form (C14N 1.0): it differs from byte {byte} on; "
            "write it without XML declaration, comments, empty-element tags and final line break",
        )  # fmt: skip
    problems = problems_of(type_, root)
    if problems:
        raise Invalid(problems)
    return type_


def _place(root: etree._Element, data: bytes, type_: MessageType) -> int:
    """Where the signature stands: before ExtendMessage in export, last in import."""
    if type_.schema.signature == "before-extend":
        extend = root.find(f"{{{type_.schema.namespace}}}ExtendMessage")
        if extend is not None:
            name = f"{extend.prefix}:ExtendMessage" if extend.prefix else "ExtendMessage"
            return data.rindex(f"<{name}".encode())
    return data.rindex(b"</")


def _refused(code: str, zh: str, en: str) -> Invalid:
    return Invalid([Problem(path="/", code=code, zh=zh, en=en)])
