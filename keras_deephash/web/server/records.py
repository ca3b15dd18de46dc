"""What the API returns. FastAPI describes these classes in OpenAPI."""

from dataclasses import dataclass, field


@dataclass
class Item:
    """An item of the index. `labels` are numbers of labels."""

    id: int
    name: str
    labels: list[int] = field(default_factory=list)


@dataclass
class Items:
    """A part of all items, or of those that a filter leaves; `total` counts them."""

    total: int
    items: list[Item]


@dataclass
class Neighbor:
    """An item that was found. A similarity is 1 for what is equal, 0 for unrelated."""

    id: int
    name: str
    labels: list[int]
    distance: float
    similarity: float


@dataclass
class Expected:
    """What a search within a radius is expected to find; null where unknown."""

    radius: float
    precision: float | None
    recall: float | None
    false_positive_rate: float | None


@dataclass
class Neighbors:
    """What a search found, nearest first."""

    neighbors: list[Neighbor]
    expected: Expected | None = None


@dataclass
class Label:
    """A label, and how many items have it."""

    number: int
    name: str
    count: int


@dataclass
class Stats:
    """The index, and what the page needs to know of it."""

    title: str
    count: int
    kind: str
    bits: int
    metric: str
    preset: str | None
    labels: list[Label]
    radii: list[Expected]
    auto_radius: float | None
    most_group_radius: int
    read_only: bool
    most_bytes: int


@dataclass
class Problem:
    """What is wrong, and what to do."""

    detail: str


@dataclass
class Removed:
    """How many items were removed."""

    removed: int


@dataclass
class Group:
    """Items alike: `count` of them, the first of which are listed."""

    count: int
    items: list[Item]


@dataclass
class Groups:
    """Groups of items alike, the largest first."""

    total: int
    radius: int
    groups: list[Group]


@dataclass
class Map:
    """Items laid out in a plane: x and y from 0 to 1. Label -1 is none."""

    title: str
    total: int
    ids: list[int]
    x: list[float]
    y: list[float]
    labels: list[int]
