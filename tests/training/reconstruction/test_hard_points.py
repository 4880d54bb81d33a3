"""What was wrong at the last visit is asked again, and forgotten once it is right."""

import torch

from training.reconstruction.hard_points import KEPT, HardPoints
from training.reconstruction.solids import LabelledPoints


def fresh(objects: int, count: int, seed: int = 0) -> LabelledPoints:
    rng = torch.Generator().manual_seed(seed)
    places = torch.rand(objects, count, 3, generator=rng)
    return LabelledPoints(places, (places[..., 0] > 0.5).float(), torch.zeros(objects, count, dtype=torch.bool))


def test_the_worst_points_come_back_with_their_labels() -> None:
    memory, objects = HardPoints(5), torch.tensor([3, 1])
    asked = memory.joined(objects, fresh(2, 600))
    assert asked.places.shape == (2, 600 + KEPT, 3), "where none is known yet, first ones come twice"
    assert torch.equal(asked.places[:, 600:], asked.places[:, :KEPT])
    error = torch.zeros(2, 600 + KEPT)
    error[:, 40:60] = 0.9
    memory.remember(objects, asked, error)
    again = memory.joined(objects, fresh(2, 600, seed=1))
    for row in range(2):
        back = {tuple(place) for place in again.places[row, 600:].tolist()}
        assert {tuple(place) for place in asked.places[row, 40:60].tolist()} <= back
    assert torch.equal(again.inside, (again.places[..., 0] > 0.5).float())
    other = memory.joined(torch.tensor([0]), fresh(1, 600))
    assert torch.equal(other.places[:, 600:], other.places[:, :KEPT]), "nothing is known of another object"


def test_what_has_become_right_makes_room() -> None:
    memory, objects = HardPoints(1), torch.tensor([0])
    first = memory.joined(objects, fresh(1, 400))
    memory.remember(objects, first, torch.linspace(1, 0, 400 + KEPT)[None])
    second = memory.joined(objects, fresh(1, 400, seed=1))
    error = torch.zeros(1, 400 + KEPT)
    error[:, 100 : 100 + KEPT] = 0.5
    memory.remember(objects, second, error)
    third = memory.joined(objects, fresh(1, 400, seed=2))
    assert set(map(tuple, third.places[0, 400:].tolist())) == set(
        map(tuple, second.places[0, 100 : 100 + KEPT].tolist())
    )


def test_points_where_a_hull_may_be_hollow_are_not_insisted_on() -> None:
    memory, objects = HardPoints(1), torch.tensor([0])
    asked = fresh(1, 600)
    asked.pocket[0, :300] = True
    memory.remember(objects, asked, torch.where(asked.pocket, 1.0, 0.1))
    again = memory.joined(objects, fresh(1, 600, seed=1))
    hollow = set(map(tuple, asked.places[0, :300].tolist()))
    assert not hollow & set(map(tuple, again.places[0, 600:].tolist()))


def test_a_checkpoint_keeps_them() -> None:
    memory, objects = HardPoints(2), torch.tensor([1])
    memory.remember(objects, fresh(1, 600), torch.rand(1, 600, generator=torch.Generator().manual_seed(3)))
    other = HardPoints(2)
    other.load_state_dict(memory.state_dict())
    assert torch.equal(other.places, memory.places) and torch.equal(other.inside, memory.inside)
