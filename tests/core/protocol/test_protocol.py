import json

import pytest

from gen3d_core import protocol
from gen3d_core.protocol import (
    Cancel,
    Encode,
    Generate,
    Hello,
    Models,
    Morph,
    ProtocolError,
    Shutdown,
    Thumbnails,
    decode,
    encode,
)

MESSAGES = [
    Generate(1, "chairs", 7, 128),
    Generate(2, "C:\\ünï\\a b.gen3d", 0, 16, 0.5, 0.25),
    Generate(
        4,
        "chairs",
        7,
        128,
        appearance_seed=2,
        parents=[{"shape": [0.5, -1.0], "appearance": [2.0]}],
        shape_weights=[0.25],
        appearance_weights=[1.0],
        shape_strength=0.5,
        moves={"bulk": -1.5},
    ),
    Models(3),
    Models(5, ["/a/folder", "b.gen3d"]),
    Thumbnails(6, "chairs", [3, 1, 2], 64, 0.8),
    Morph(7, "chairs", [{"seed": 3}, {"seed": 8, "appearance_seed": 3}], 16, 96, path="lerp", closed=True, base=4),
    Encode(8, "chairs", ["front.npz", "back.npz"], 96, 0.5),
    Cancel(1),
    Shutdown(),
    Hello(protocol.PROTOCOL_VERSION, "1.0", "3.11"),
    protocol.Progress(1, 0.5, "shape"),
    protocol.Result(1, "result-1.npz", {"seed": 7}),
    protocol.ModelList(3, [{"name": "chairs"}]),
    protocol.Cancelled(1),
    protocol.Error(None, "bad", "line 1\nline 2"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_messages_survive_the_wire(message: protocol.Message):
    line = message.line()
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    parse = protocol.parse_request if isinstance(message, protocol.Request) else protocol.parse_reply
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


PARENT = {"shape": [1.0], "appearance": [1.0]}
GOOD = Generate(5, "chairs", 7, 128).as_dict()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "nothing"}, "nothing"),
        ({"seed": -1}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"seed": True}, "seed"),
        ({"resolution": 8}, "resolution"),
        ({"resolution": 10**9}, "resolution"),
        ({"truncation": "a"}, "truncation"),
        ({"floaters": None}, "floaters"),
        ({"model": ""}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"colour": "red"}, "colour"),
        ({"appearance_seed": -1}, "appearance_seed"),
        ({"shape_strength": 0.5}, "strength"),
        ({"moves": ["bulk"]}, "moves"),
        ({"moves": {"bulk": "much"}}, "bulk"),
        ({"moves": {"bulk": 1e9}}, "bulk"),
        ({"parents": {}}, "parents"),
        ({"parents": [{"shape": [1.0]}], "shape_weights": [1.0], "appearance_weights": [1.0]}, "parent"),
        ({"parents": [PARENT | {"shape": [1e9]}], "shape_weights": [1.0], "appearance_weights": [1.0]}, "shape"),
        ({"parents": [PARENT], "shape_weights": [1.0], "appearance_weights": []}, "appearance_weights"),
        ({"parents": [PARENT], "shape_weights": [0.0], "appearance_weights": [1.0]}, "shape_weights"),
        ({"parents": [PARENT] * 5, "shape_weights": [0.2] * 5, "appearance_weights": [0.2] * 5}, "parents"),
    ],
)
def test_requests_with_a_mistake_keep_their_id(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named) as caught:
        protocol.parse_request({**GOOD, **change})
    assert caught.value.id == 5


def test_requests_that_lack_something():
    with pytest.raises(ProtocolError, match="generate lacks .*model"):
        protocol.parse_request({"type": "generate", "id": 1, "seed": 1, "resolution": 64})
    for id in (None, -1, 1.5, "1", True, 2**60):
        with pytest.raises(ProtocolError, match="id is") as caught:
            protocol.parse_request({"type": "cancel", "id": id})
        assert caught.value.id is None


@pytest.mark.parametrize(
    ("change", "named"),
    [({"seeds": []}, "seeds"), ({"seeds": [-1]}, "seed"), ({"seeds": 3}, "seeds"), ({"seeds": [1] * 65}, "seeds"),
     ({"size": 4}, "size"), ({"truncation": 9}, "truncation")],
)  # fmt: skip
def test_thumbnails_with_a_mistake(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named):
        protocol.parse_request({**Thumbnails(5, "chairs", [1]).as_dict(), **change})


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
    [({"keys": {"seed": 1}}, "keys"), ({"keys": KEYS[:1]}, "number of keys"), ({"keys": KEYS * 200}, "number of keys"),
     ({"keys": [1, 2]}, "a key"), ({"keys": [{}, {}]}, "a key"), ({"keys": [{"seed": 1, "id": 3}] * 2}, "a key"),
     ({"keys": [{"seed": -1}] * 2}, "seed"), ({"keys": [{"seed": 1, "parents": [PARENT]}] * 2}, "shape_weights"),
     ({"steps": 1}, "steps"), ({"steps": 10**6}, "steps"), ({"resolution": 512, "steps": 256}, "resolution² × steps"),
     ({"kind": "melt"}, "kind is 'melt': known are morph, flipbook"), ({"kind": ["morph"]}, "kind"),
     ({"path": "curve"}, "path"), ({"timing": None}, "timing"), ({"after_change": "tear"}, "after_change"),
     ({"base": 9}, "base"), ({"closed": 1}, "closed"), ({"truncation": -1}, "truncation")],
)  # fmt: skip
def test_morphs_with_a_mistake(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named) as caught:
        protocol.parse_request({**Morph(5, "chairs", KEYS, 8, 64).as_dict(), **change})
    assert caught.value.id == 5


@pytest.mark.parametrize("places", ["here", [""], ["a"] * 65, [3]])
def test_models_with_a_mistake(places: object):
    with pytest.raises(ProtocolError, match="place"):
        protocol.parse_request({"type": "models", "id": 1, "places": places})


@pytest.mark.parametrize("name", ["../a.npz", "/tmp/a.npz", "a.npy", "a/b.npz", "C:a.npz", ".npz", 3, None])
def test_results_name_a_file_in_the_clients_folder(name: object):
    with pytest.raises(ProtocolError):
        protocol.parse_reply({"type": "result", "id": 1, "arrays": name, "info": {}})


def test_another_protocol_is_refused():
    with pytest.raises(ProtocolError, match="protocol 99"):
        protocol.parse_reply({"type": "hello", "protocol": 99, "version": "9", "python": "4"})


def test_requests_are_plain_json():
    """What a client in another language would write."""
    line = json.dumps({"id": 1, "type": "generate", "model": "chairs", "seed": 7, "resolution": 32}) + "\n"
    assert protocol.parse_request(decode(line.encode())) == Generate(1, "chairs", 7, 32)
