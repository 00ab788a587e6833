"""The catalogue: what stands in XSDs and rows fits together, and a new type is data alone."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from lxml import etree
from typer.testing import CliRunner

import gateway
from gateway.cli.messages import messages
from gateway.errors import Invalid, Misconfigured
from gateway.messages import (
    MessageType,
    assemble,
    decode,
    load_catalogue,
    parse_json,
    parse_xml,
    problems_of,
    read,
    validate,
    write,
)
from gateway.messages.catalogue import shipped_xsd
from gateway.messages.jsonschema import json_schema
from gateway.messages.rows import RETURN_STATUSES
from gateway.model import Content, Transfer

CATALOGUE = load_catalogue()
ROWS = Path(gateway.__file__).parent / "messages"
XS = "{http://www.w3.org/2001/XMLSchema}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
REQUESTS = [one for one in CATALOGUE.types.values() if one.row.receipt]

INVENTED_XSD = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="http://www.chinaport.gov.cn/ceb"
    targetNamespace="http://www.chinaport.gov.cn/ceb" elementFormDefault="qualified">
  <xs:include schemaLocation="common.xsd"/>
  <xs:element name="CEB399Message"><xs:complexType><xs:sequence>
    <xs:element name="Parade" maxOccurs="7"><xs:complexType><xs:sequence>
      <xs:element name="guid" type="c:Guid"/>
      <xs:element name="paradeNo"><xs:simpleType><xs:restriction base="xs:string">
        <xs:minLength value="2"/><xs:maxLength value="5"/></xs:restriction></xs:simpleType>
      </xs:element>
      <xs:element name="elephants" type="xs:int" minOccurs="0"/>
      <xs:element name="toll" type="xs:decimal"/>
      <xs:element name="Float" minOccurs="0" maxOccurs="3"><xs:complexType><xs:sequence>
        <xs:element name="gnum" type="c:RowNumber"/>
        <xs:element name="colour"><xs:simpleType><xs:restriction base="xs:string">
          <xs:enumeration value="red"/><xs:enumeration value="blue"/>
        </xs:restriction></xs:simpleType></xs:element>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
    <xs:group ref="c:ImportBlocks"/>
  </xs:sequence><xs:attributeGroup ref="c:RootAttributes"/></xs:complexType></xs:element>
</xs:schema>
"""
INVENTED_ROW = """
[CEB399]
kind = "parade"
resource = "import/parades"
submitters = ["merchant"]
key = ["paradeNo"]
generated = ["guid"]
"""


@pytest.fixture
def folders(tmp_path: Path) -> SimpleNamespace:
    """Copies of the shipped schemas and rows that a test may change."""
    xsd, rows = tmp_path / "xsd", tmp_path / "rows"
    shutil.copytree(shipped_xsd(), xsd)
    rows.mkdir()
    for path in ROWS.glob("*.toml"):
        shutil.copy(path, rows)
    return SimpleNamespace(xsd=xsd, rows=rows, customs=rows / "customs.toml")


def test_a_new_message_type_is_an_xsd_and_a_row(folders: SimpleNamespace) -> None:
    """An XSD, in whatever style, and a row are enough for decoder, writer, reader and command."""
    (folders.xsd / "customs" / "CEB399.xsd").write_text(INVENTED_XSD, encoding="utf-8")
    with folders.customs.open("a", encoding="utf-8") as stream:
        stream.write(INVENTED_ROW)
    catalogue = load_catalogue(folders.xsd, folders.rows)
    one = catalogue.by_resource("import/parades")
    assert one.schema.head is None
    assert one.schema.documents_max == 7

    body = b'{"paradeNo":"P-1","toll":1.5,"items":[{"colour":"red"},{"colour":"blue"}]}'
    decoded = decode(one, parse_json(body, limit_records=1)[0])
    with pytest.raises(Invalid, match="S-value"):
        decode(one, parse_json(body.replace(b"red", b"green"), limit_records=1)[0])

    content = Content({"guid": "G" * 36, **decoded.content.head}, decoded.content.items)
    fragment = write(one, content)
    assert validate(one, [fragment]) == [[]]
    assert [p.path for p in validate(one, [fragment.replace(b"red", b"green")])[0]] == [
        "/CEB399Message/Parade[1]/Float[1]/colour"
    ]
    data = assemble(one, "G" * 36, [fragment], Transfer(copCode="1", copName="1", dxpId="1")).data
    root = parse_xml(data, max_bytes=10_000)
    assert catalogue.by_root(str(root.tag)) is one
    assert problems_of(one, root) == []
    assert etree.tostring(root, method="c14n") == data
    assert read(one, root) == [content]
    assert json_schema(one)["properties"]["items"]["items"]["properties"]["colour"]["enum"] == [
        "red",
        "blue",
    ]
    personal = one.schema.field("paradeNo")
    assert personal is not None
    assert personal.personal, "a name that the glossary lacks is masked"

    listed = _run("--json", "--xsd", str(folders.xsd), "--rows", str(folders.rows))
    lines = [json.loads(line) for line in listed.splitlines()]
    assert {"type": "CEB399", "kind": "parade"}.items() <= {
        key: value for line in lines if line["type"] == "CEB399" for key, value in line.items()
    }.items()


def _run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(messages)
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


@pytest.mark.parametrize(
    ("find", "put", "fault"),
    [
        ('kind = "order"', 'kind = "payment"', "kind payment"),
        ('kind = "order"', 'flavour = "sweet"\nkind = "order"', "unknown key flavour"),
        ('kind = "order"', "", "kind is missing"),
        ('key = ["ebpCode", "orderNo"]', 'key = ["ebpCode", "orderNumber"]', "orderNumber"),
        ('key = ["ebpCode", "orderNo"]', 'key = "orderNo"', "list of texts"),
        ('orderType = "I"', 'orderType = "X"', "orderType=X"),
        ('receipt = "CEB312"', 'receipt = "CEB313"', "CEB313"),
        ('receipt = "CEB312"', 'receipt = "CEB412"', "answers CEB411"),
        ('answers = "CEB311"', 'answers = "CEB310"', "CEB310"),
        ('statuses = "partner"', 'statuses = "nobody"', "nobody"),
        ('resource = "import/payments"', 'resource = "import/orders"', "resource import/orders"),
        ('of = "CEB621"', 'of = "CEB620"', "CEB620"),
        ('through = "CEB511"', 'through = "CEB510"', "through names CEB510"),
        ('through = "CEB511"', 'through = "CEB411"', "through names CEB411"),
        ("[CEB312]", "[CEB310]", "CEB310"),
        ('899 = { state = "closed", final', '898 = { state = "closed", final', "no entry for 899"),
        ('2 = { state = "declaring" }', '2 = { state = "declaring", colour = "red" }', "colour"),
        ('2 = { state = "declaring" }', "2 = { }", "state"),
        ('2 = { state = "declaring" }', '2 = { state = "declaring", final = 1 }', "bool"),
        ("retention_years = 5", 'retention_years = "5"', "int"),
        ("[CEB311]", "[CEB311", "customs.toml"),
    ],
)
def test_rows_that_contradict_are_refused(
    folders: SimpleNamespace, find: str, put: str, fault: str
) -> None:
    """The gateway does not start on a row that names what is not there, and says what it is."""
    text = folders.customs.read_text(encoding="utf-8")
    assert find in text
    folders.customs.write_text(text.replace(find, put, 1), encoding="utf-8")
    with pytest.raises(Misconfigured, match=re.escape(fault)):
        load_catalogue(folders.xsd, folders.rows)


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("<xs:sequence>", "<xs:sequence"),
        ('type="Text60"', 'type="Text61"'),
        ('type="Amount"', 'type="xs:boolean"'),
    ],
)
def test_schemas_that_cannot_be_read_are_refused(
    folders: SimpleNamespace, find: str, put: str
) -> None:
    """An XSD that is broken, or declares what a message cannot carry, stops the start."""
    path = folders.xsd / "customs" / "CEB411.xsd"
    path.write_text(path.read_text(encoding="utf-8").replace(find, put, 1), encoding="utf-8")
    with pytest.raises(Misconfigured):
        load_catalogue(folders.xsd, folders.rows)


@pytest.mark.parametrize("one", REQUESTS, ids=lambda one: one.name)
def test_every_status_has_a_meaning(one: MessageType) -> None:
    """For each kind every returnStatus moves, keeps or opens a discrepancy; none is undefined."""
    row = one.row
    for code in (*RETURN_STATUSES, "-301010", "0", "18", "23", "", "abc", "9" * 10):
        status = row.status(code)
        assert status.state or status.discrepancy
        assert status.final or not status.success
    assert row.status("-301010").state == "refused"
    assert row.status("18").state == ""
    assert [code for code in RETURN_STATUSES if row.status(code).rank != int(code)] == []


def test_end_states_differ_by_kind() -> None:
    """Orders end at 120, arrivals and requests at 399, inventories only at 899 or 700."""
    ends = {
        one.row.kind: {code for code in RETURN_STATUSES if one.row.status(code).success}
        for one in REQUESTS
    }
    partners = {"120", "399", "800", "899"}
    assert ends["order"] == ends["payment"] == ends["waybill"] == partners
    assert ends["waybill-status"] == partners
    assert ends["cancellation"] == ends["return"] == {"399"}
    assert ends["arrival"] >= {"120", "399"}
    assert ends["inventory"] == {"899"}
    assert CATALOGUE.by_kind("inventory").row.status("700").final


IMPORT = [
    "CEB311", "CEB312", "CEB411", "CEB412", "CEB511", "CEB512", "CEB513", "CEB514", "CEB621",
    "CEB622", "CEB623", "CEB624", "CEB625", "CEB626", "CEB711", "CEB712", "CEB816", "CEB818",
    "CEB900",
]  # fmt: skip


def test_every_import_message_is_there() -> None:
    """All 19, with the shapes that their XSDs give: 513 and 623 have no head level."""
    sent = {name: one for name, one in CATALOGUE.types.items() if not one.is_record}
    assert list(sent) == IMPORT
    flat = {name for name, one in sent.items() if one.schema.head is None}
    assert {"CEB513", "CEB623", "CEB514", "CEB900"} <= flat
    assert flat & {"CEB311", "CEB625", "CEB816", "CEB818"} == set()
    assert {name for name, one in sent.items() if one.schema.items} == {
        "CEB311", "CEB621", "CEB625", "CEB711", "CEB816",
    }  # fmt: skip
    signed = {name for name, one in sent.items() if one.schema.signature == "last"}
    assert signed == {name for name, one in sent.items() if not one.is_receipt}
    assert [name for name in sent if sent[name].schema.documents_max is None] == [
        "CEB816",
        "CEB818",
    ]


def test_tax_bills_are_from_the_authority_and_answer_nothing() -> None:
    """CEB816 and CEB818 come unasked: read as receipts, matched by inventory and bill."""
    for name in ("CEB816", "CEB818"):
        one = CATALOGUE.type(name)
        assert one.is_receipt
        assert one.row.answers is None
        assert one.row.match == ("invtNo", "taxNo")


def _documented() -> list[tuple[str, str, str, str]]:
    found = []
    for path in sorted(shipped_xsd().glob("*/*.xsd")):
        for node in etree.parse(path).iter(f"{XS}element", f"{XS}attribute", f"{XS}complexType"):
            texts = {
                text.get(XML_LANG, ""): text.text or ""
                for text in node.iterfind(f"{XS}annotation/{XS}documentation")
            }
            if texts:
                # A record declares its type in place; its name stands on the element.
                name = str(node.get("name") or node.xpath("string(../@name)"))
                found.append((path.name, name, texts.get("zh", ""), texts.get("en", "")))
    return found


def test_titles_are_those_of_the_glossary() -> None:
    """Every field has a Chinese title, and one English title wherever its name stands."""
    with (shipped_xsd() / "glossary.tsv").open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        glossary = {row["name"]: row["en"] for row in rows}
    types_of_rows = {"Subscriber": "subscribers", "ShipmentRow": "items", "ArrivalRow": "items"}
    documented = _documented()
    assert len(documented) > 250
    for file, name, zh, en in documented:
        assert zh, (file, name)
        assert en == glossary[types_of_rows.get(name, name)], (file, name)
    used = {types_of_rows.get(name, name) for _, name, _, _ in documented}
    assert used == glossary.keys(), "the glossary names nothing that no schema has"


def test_personal_fields_are_marked() -> None:
    """Names, numbers and addresses of people are masked; business keys are not."""
    personal = {
        field.name
        for one in CATALOGUE.types.values()
        for field in (*one.schema.head_fields, *one.schema.item_fields)
        if field.personal
    }
    assert {"buyerName", "buyerIdNumber", "payerName", "payerIdNumber"} <= personal
    assert {"buyerRegNo", "buyerTelephone", "returnInfo", "oriBizMessage", "reason"} <= personal
    assert {"telephone", "consignee", "consigneeAddress", "consigneeTelephone"} <= personal
    keys = {name for one in CATALOGUE.types.values() for name in one.row.key}
    assert not keys & personal


def test_envelope_schema_is_at_hand() -> None:
    """The exchange platform's envelope has its schema too, by file name."""
    schema = CATALOGUE.xml_schema("dxp")
    space = "http://www.chinaport.gov.cn/dxp"
    text = (
        f'<d:DxpMsg xmlns:d="{space}" ver="1.0"><d:TransInfo><d:CopMsgId>1</d:CopMsgId>'
        "<d:SenderId>DXPENT0000000001</d:SenderId><d:ReceiverIds>"
        "<d:ReceiverId>DXPEDCCEB0000002</d:ReceiverId></d:ReceiverIds>"
        "<d:CreatTime>2026-01-31T12:00:00</d:CreatTime><d:MsgType>CEB311Message</d:MsgType>"
        "</d:TransInfo><d:Data>QQ==</d:Data></d:DxpMsg>"
    )
    assert schema.validate(etree.fromstring(text))
    too_long = text.replace("<d:ReceiverId>D", "<d:ReceiverId>DX")
    assert not schema.validate(etree.fromstring(too_long))
    assert CATALOGUE.xml_schema("CEB311") is CATALOGUE.type("CEB311").xml_schema
