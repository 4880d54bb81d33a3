"""One file because every message goes through the same hands."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gen3d_core import protocol
from gen3d_core.protocol import (
    BrokenModel,
    Camera,
    Cancel,
    Encode,
    EncodedResult,
    Generate,
    Hello,
    MeshResult,
    ModelDirection,
    ModelEntry,
    ModelIdentity,
    ModelList,
    Models,
    Morph,
    MorphResult,
    MorphSegment,
    MorphSettings,
    ObjectSummary,
    Parent,
    ProtocolError,
    Recipe,
    Shutdown,
    StepReport,
    Thumbnails,
    ThumbnailsResult,
    decode,
    encode,
)

PARENT = Parent([0.5, -1.0], [2.0])
MIXED = Recipe(7, 2, [PARENT], shape_weights=[0.25], appearance_weights=[1.0], shape_strength=0.5, moves={"bulk": -1.5})
SUMMARY = ObjectSummary([0.5, -1.0], [2], {"bulk": 0.25}, 96, 1.0, 8, 12)
MADE_BY = (ModelIdentity("chairs", "/a/chairs.gen3d", "0f", "chairs", "1e"), "1.0", 0.8)
REPORT = StepReport(0.1, 0.01, 0.02, 0.001, 0.0, 0.0, 0.0, 2, 0)
MESH = MeshResult(1, "result-1.npz", *MADE_BY, SUMMARY, 7)
VIEW = [[1.0, 0.0, 0.0, 4], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0]]
ENCODED = EncodedResult(
    8,
    "result-8.npz",
    *MADE_BY,
    SUMMARY,
    0.9,
    False,
    [Camera(0.1, -0.2, 0.9, VIEW, 0.3, [0.1, -0.2]), Camera(3, 0, 1, VIEW, 0.3, [0.1, -0.2])],
)
MORPHED = MorphResult(
    7,
    "result-7.npz",
    *MADE_BY,
    MorphSettings(2, 96, closed=True),
    [0.0, 1],
    [MorphSegment(0, 2, 8, 12)],
    [REPORT] * 2,
    [1],
)
LISTED = ModelList(
    3,
    [
        ModelEntry(
            "chairs",
            "chairs",
            "/a",
            "0f",
            "1e",
            2,
            1,
            0.8,
            "CC0-1.0",
            ["Ann"],
            [ModelDirection("bulk", "shape", -2, 2, 0.5)],
            "p.png",
        )
    ],
    [BrokenModel("b", "/b.gen3d", "damaged")],
)
REQUESTS = [
    Generate(1, "chairs", Recipe(7), 128),
    Generate(2, "C:\\ünï\\a b.gen3d", Recipe(0), 16, 0.5, 0.25),
    Generate(4, "chairs", MIXED, 128),
    Models(3),
    Models(5, ["/a/folder", "b.gen3d"]),
    Thumbnails(6, "chairs", [Recipe(3), MIXED, Recipe(2)], 64, 0.8),
    Morph(7, "chairs", [Recipe(3), Recipe(8, 3), MIXED], MorphSettings(16, 96, path="lerp", closed=True, base=4), 0.5),
    Encode(8, "chairs", ["front.npz", "back.npz"], 96, 0.5),
    Cancel(1),
    Shutdown(),
]
REPLIES = [
    Hello(protocol.PROTOCOL_VERSION, "1.0", "3.11"),
    protocol.Progress(1, 0.5, "shape"),
    MESH,
    ENCODED,
    ThumbnailsResult(6, "result-6.npz", *MADE_BY),
    MORPHED,
    LISTED,
    protocol.Cancelled(1),
    protocol.Error(None, "bad", "line 1\nline 2"),
]
MESSAGES = REQUESTS + REPLIES


def test_every_kind_of_message_is_among_those():
    assert {type(each) for each in REQUESTS} == set(protocol.REQUESTS)
    assert {type(each) for each in REPLIES} == set(protocol.REPLIES)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_messages_survive_the_wire(message: protocol.Message):
    line = message.line()
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    parse = protocol.parse_request if message in REQUESTS else protocol.parse_reply
    assert parse(decode(line)) == message


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"hello\n", b"[1]\n", b"3\n", b"{}\n", b'{"type":3}\n', b'{"type":"x"\n', b'{"type":"x","n":NaN}\n']
    + [
        b"\xff\xfe\n",
        b"[" * 200_000,
        b'{"type":"' + b"x" * protocol.MAX_LINE + b'"}',
        b'{"type":"x","n":' + b"1" * 5000 + b"}",
    ],
)
def test_lines_that_are_no_messages(line: bytes):
    with pytest.raises(ProtocolError) as caught:
        decode(line)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_messages_that_cannot_be_sent():
    for message in (
        {"type": "x", "n": float("inf")},
        {"type": "x", "n": b""},
        {"type": "x", "n": "a" * protocol.MAX_LINE},
    ):
        with pytest.raises(ProtocolError):
            encode(message)


WIRE = {"shape": [1.0], "appearance": [1.0]}
ONE = {"shape_weights": [1.0], "appearance_weights": [1.0]}
GOOD = Generate(5, "chairs", Recipe(7), 128).as_dict()

WRONG_RECIPES = [
    ({"seed": -1}, "seed is -1"),
    ({"seed": "7"}, "seed is '7'"),
    ({"seed": True}, "seed"),
    ({"colour": "red"}, "has an unknown key 'colour': known are appearance_seed"),
    ({"appearance_seed": -1}, "appearance_seed"),
    ({"shape_strength": 0.5}, "a strength varies parents"),
    ({"moves": ["bulk"]}, "moves"),
    ({"moves": {"bulk": "much"}}, "moves: bulk is 'much'"),
    ({"moves": {"bulk": 1e9}}, "bulk"),
    ({"parents": {}}, "parents is not a list of at most 4"),
    ({"parents": [3], **ONE}, r"parents\[0\] is 3: expected an object"),
    ({"parents": [WIRE, {"shape": [1.0]}]}, r"parents\[1\] lacks appearance"),
    ({"parents": [WIRE | {"look": []}], **ONE}, r"parents\[0\] has an unknown key 'look': known are appearance, shape"),
    ({"parents": [WIRE | {"shape": [1e9]}], **ONE}, "a parent's shape"),
    ({"parents": [WIRE | {"appearance": None}], **ONE}, "a parent's appearance is not a list of numbers"),
    ({"parents": [WIRE], **ONE, "appearance_weights": []}, "appearance_weights"),
    ({"parents": [WIRE], **ONE, "shape_weights": [0.0]}, "shape_weights"),
    ({"parents": [WIRE] * 5, "shape_weights": [0.2] * 5, "appearance_weights": [0.2] * 5}, "parents"),
]


def refusal(message: dict) -> str:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse_request(message)
    assert caught.value.id == 5 and "\n" not in str(caught.value) and len(str(caught.value)) < 300
    return str(caught.value)


@pytest.mark.parametrize(("change", "said"), WRONG_RECIPES)
def test_a_recipe_with_a_mistake_is_refused_alike_by_every_request(change: dict, said: str):
    recipe = {"seed": 7} | change
    for request in (
        GOOD | {"recipe": recipe},
        Thumbnails(5, "chairs", [Recipe(1)]).as_dict() | {"recipes": [recipe]},
        Morph(5, "chairs", [Recipe(1)] * 2, MorphSettings(8, 64)).as_dict() | {"keys": [{"seed": 1}, recipe]},
    ):
        assert re.search(said, refusal(request))


def test_recipes_are_named_where_they_stand():
    assert refusal(GOOD | {"recipe": 3}) == "recipe is 3: expected an object"
    assert refusal(GOOD | {"recipe": {}}) == "recipe lacks seed"
    morph = Morph(5, "chairs", [Recipe(1)] * 2, MorphSettings(8, 64)).as_dict()
    assert refusal(morph | {"keys": [{"seed": 1}, {"id": 3, "seed": 1}]}).startswith("keys[1] has an unknown key 'id'")
    assert refusal(morph | {"settings": {"steps": 8}}) == "settings lacks resolution"
    assert refusal(morph | {"settings": None}) == "settings is None: expected an object"
    assert refusal(Thumbnails(5, "chairs", [Recipe(1)]).as_dict() | {"recipes": [None]}).startswith(
        "recipes[0] is None"
    )


def test_what_is_no_recipe_is_refused_in_python_too():
    for make in (
        lambda: Generate(1, "chairs", {"seed": 3}, 64),  # type: ignore[arg-type]
        lambda: Thumbnails(1, "chairs", [3]),  # type: ignore[list-item]
        lambda: Morph(1, "chairs", [{"seed": 1}] * 2, MorphSettings(8, 64)),  # type: ignore[list-item]
        lambda: Morph(1, "chairs", [Recipe(1)] * 2, {"steps": 8}),  # type: ignore[arg-type]
        lambda: Recipe(1, parents=[WIRE], **ONE),  # type: ignore[list-item]
    ):
        with pytest.raises(protocol.Gen3DError):
            make()


def test_recipes_are_short_on_the_wire():
    written = Thumbnails(1, "chairs", [Recipe(3), Recipe(4, 2)]).as_dict()["recipes"]
    assert written == [{"seed": 3}, {"seed": 4, "appearance_seed": 2}]
    codes = Parent([-1.2345678901234567] * 96, [0.1234567890123456] * 96)
    keys = [Recipe(0, parents=[codes], shape_weights=[1.0], appearance_weights=[1.0])] * protocol.limits.MORPH_KEYS[1]
    Morph(1, "chairs", keys, MorphSettings(256, 64)).line()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "nothing"}, "nothing"),
        ({"resolution": 8}, "resolution"),
        ({"resolution": 10**9}, "resolution"),
        ({"truncation": "a"}, "truncation"),
        ({"floaters": None}, "floaters"),
        ({"model": ""}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"seed": 7}, "generate has an unknown key 'seed'"),
    ],
)
def test_requests_with_a_mistake_keep_their_id(change: dict, named: str):
    assert named in refusal({**GOOD, **change})


def test_requests_that_lack_something():
    with pytest.raises(ProtocolError, match="^generate lacks model$"):
        protocol.parse_request({"type": "generate", "id": 1, "recipe": {"seed": 1}, "resolution": 64})
    for id in (None, -1, 1.5, "1", True, 2**60):
        with pytest.raises(ProtocolError, match="id is") as caught:
            protocol.parse_request({"type": "cancel", "id": id})
        assert caught.value.id is None


@pytest.mark.parametrize(
    ("change", "named"),
    [({"recipes": []}, "number of recipes"), ({"recipes": 3}, "recipes is not a list"),
     ({"recipes": [{"seed": 1}] * 65}, "number of recipes"),
     ({"size": 4}, "size"), ({"truncation": 9}, "truncation")],
)  # fmt: skip
def test_thumbnails_with_a_mistake(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named):
        protocol.parse_request({**Thumbnails(5, "chairs", [Recipe(1)]).as_dict(), **change})


@pytest.mark.parametrize(
    ("change", "named"),
    [({"pictures": []}, "number of pictures"), ({"pictures": "a.npz"}, "pictures is not"), ({"pictures": [3]}, "npz"),
     ({"pictures": ["../a.npz"]}, "plain .npz"), ({"pictures": ["a.npz"] * 17}, "number of pictures"),
     ({"resolution": 5}, "resolution"), ({"floaters": 2}, "floaters"), ({"seed": 1}, "unknown key 'seed'")],
)  # fmt: skip
def test_pictures_with_a_mistake(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named) as caught:
        protocol.parse_request({**Encode(5, "chairs", ["a.npz"], 64).as_dict(), **change})
    assert caught.value.id == 5


KEYS = [{"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"keys": {"seed": 1}}, "keys is not a list"), ({"keys": KEYS[:1]}, "number of keys"),
     ({"keys": KEYS * 200}, "number of keys"), ({"truncation": -1}, "truncation")],
)  # fmt: skip
def test_morphs_with_a_mistake(change: dict, named: str):
    assert named in refusal(Morph(5, "chairs", [Recipe(1)] * 2, MorphSettings(8, 64)).as_dict() | change)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"steps": 1}, "steps"), ({"steps": 10**6}, "steps"), ({"resolution": 512, "steps": 256}, "resolution² × steps"),
     ({"kind": "melt"}, "kind is 'melt': known are morph, flipbook"), ({"kind": ["morph"]}, "kind"),
     ({"path": "curve"}, "path"), ({"timing": None}, "timing"), ({"after_change": "tear"}, "after_change"),
     ({"base": 9}, "base"), ({"closed": 1}, "closed"), ({"easing": 1}, "settings has an unknown key 'easing'")],
)  # fmt: skip
def test_morphs_with_a_mistake_in_their_settings(change: dict, named: str):
    settings = {"steps": 8, "resolution": 64} | change
    assert named in refusal(
        Morph(5, "chairs", [Recipe(1)] * 2, MorphSettings(8, 64)).as_dict() | {"settings": settings}
    )


@pytest.mark.parametrize("places", ["here", [""], ["a"] * 65, [3]])
def test_models_with_a_mistake(places: object):
    with pytest.raises(ProtocolError, match="place"):
        protocol.parse_request({"type": "models", "id": 1, "places": places})


@pytest.mark.parametrize("name", ["../a.npz", "/tmp/a.npz", "a.npy", "a/b.npz", "C:a.npz", ".npz", 3, None])
def test_results_name_a_file_in_the_clients_folder(name: object):
    for result in (MESH, ENCODED, MORPHED):
        with pytest.raises(ProtocolError, match="expected a plain .npz file name") as caught:
            protocol.parse_reply(result.as_dict() | {"arrays": name})
        assert caught.value.id == result.id


def changed(message: protocol.Message, place: tuple[str | int, ...], value: object) -> dict:
    """A message's JSON with another value at a place; `...` takes away what is there."""
    found: Any = json.loads(message.line())
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


@pytest.mark.parametrize(
    ("reply", "place", "value", "said"),
    [
        (MESH, ("seed",), "7", "seed is '7': expected a whole number"),
        (MESH, ("seed",), True, "seed is True: expected a whole number"),
        (MESH, ("seed",), ..., "mesh_result lacks seed"),
        (MESH, ("info",), {}, "mesh_result has an unknown key 'info'"),
        (MESH, ("truncation",), None, "truncation is None: expected a number"),
        (MESH, ("version",), 3, "version is 3: expected a text"),
        (MESH, ("model",), "chairs", "model is 'chairs': expected an object"),
        (MESH, ("model", "hash"), ..., "model lacks hash"),
        (MESH, ("model", "identity"), None, "identity is None: expected a text"),
        (MESH, ("model", "size"), 1, "model has an unknown key 'size': known are category, file, hash, identity, name"),
        (MESH, ("summary", "shape_code"), 1.5, "shape_code is 1.5: expected a list"),
        (MESH, ("summary", "shape_code", 1), "a", "shape_code[1] is 'a': expected a number"),
        (MESH, ("summary", "positions"), [], "positions is []: expected an object"),
        (MESH, ("summary", "positions", "bulk"), False, "positions: bulk is False: expected a number"),
        (MESH, ("summary", "vertices"), 8.5, "vertices is 8.5: expected a whole number"),
        (ENCODED, ("doubtful",), 1, "doubtful is 1: expected true or false"),
        (ENCODED, ("cameras",), {}, "cameras is {}: expected a list"),
        (ENCODED, ("cameras", 1), 3, "cameras[1] is 3: expected an object"),
        (ENCODED, ("cameras", 1, "overlap"), ..., "cameras[1] lacks overlap"),
        (ENCODED, ("cameras", 0, "roll"), 1, "cameras[0] has an unknown key 'roll'"),
        (ENCODED, ("cameras", 0, "azimuth"), "north", "azimuth is 'north': expected a number"),
        (MORPHED, ("settings", "steps"), 1, "steps is 1: expected 2 to 256"),
        (MORPHED, ("settings", "resolution"), ..., "settings lacks resolution"),
        (MORPHED, ("segments", 0, "first"), None, "first is None: expected a whole number"),
        (MORPHED, ("reports", 1, "euler"), ..., "reports[1] lacks euler"),
        (MORPHED, ("changes", 0), 0.5, "changes[0] is 0.5: expected a whole number"),
        (MORPHED, ("times", 0), [], "times[0] is []: expected a number"),
        (LISTED, ("models",), "all", "models is 'all': expected a list"),
        (LISTED, ("models", 0, "directions", 0, "low"), ..., "directions[0] lacks low"),
        (LISTED, ("models", 0, "attribution", 0), 3, "attribution[0] is 3: expected a text"),
        (LISTED, ("broken", 0, "error"), ..., "broken[0] lacks error"),
    ],
)
def test_replies_with_a_mistake_name_the_field(
    reply: protocol.Message, place: tuple[str | int, ...], value: object, said: str
):
    with pytest.raises(ProtocolError) as caught:
        protocol.parse_reply(changed(reply, place, value))
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
    assert caught.value.id == getattr(reply, "id", None)


def test_numbers_without_an_end_are_no_results():
    for word in (b"1e999", b"-1e999"):
        with pytest.raises(ProtocolError, match="truncation is -?inf: expected a number"):
            protocol.parse_reply(decode(MESH.line().replace(b'"truncation":0.8', b'"truncation":' + word)))


def test_another_protocol_is_refused():
    with pytest.raises(ProtocolError, match="protocol 99"):
        protocol.parse_reply({"type": "hello", "protocol": 99, "version": "9", "python": "4"})


def test_requests_are_plain_json():
    """What a client in another language would write."""
    line = json.dumps({"id": 1, "type": "generate", "model": "chairs", "recipe": {"seed": 7}, "resolution": 32}) + "\n"
    assert protocol.parse_request(decode(line.encode())) == Generate(1, "chairs", Recipe(7), 32)


ODD = (None, True, -1, 0.5, 10**400, 1e308, "", "a\0b", [], [[1]], {}, {"a": 10**400}, [{"seed": []}])


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """Where values stand in a message, however deep."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_whatever_stands_in_a_message_it_is_one_or_a_protocol_error(message: protocol.Message):
    for path in places(message.as_dict()):
        for odd in ODD:
            changed = copy.deepcopy(message.as_dict())
            holder: Any = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = odd
            parse = protocol.parse_request if message in REQUESTS else protocol.parse_reply
            try:
                parse(changed)
            except ProtocolError as error:
                assert "\n" not in str(error) and len(str(error)) < 500
