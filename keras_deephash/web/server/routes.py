"""The routes of the API."""

from enum import StrEnum
from typing import Annotated

from keras_deephash.web.server.collection import Collection
from keras_deephash.web.server.groups import GroupFinder, most_radius
from keras_deephash.web.server.mapping import MapMaker
from keras_deephash.web.server.pictures import SIZES
from keras_deephash.web.server.records import (
    Groups,
    Item,
    Items,
    Map,
    Neighbors,
    Removed,
    Stats,
)
from keras_deephash.web.server.stats import stats_of
from keras_deephash.web.server.uploads import AT_ONCE, read_body

_MOST_NEIGHBORS = 1000
_PICTURE = {
    "requestBody": {
        "required": True,
        "description": "The bytes of an image file.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Method(StrEnum):
    """How a map is made."""

    pca = "pca"
    tsne = "tsne"


def add_routes(
    app,
    collection: Collection,
    groups: GroupFinder,
    maps: MapMaker,
    read_only: bool,
) -> None:
    """Adds the routes to an application of FastAPI."""
    from anyio import Semaphore
    from fastapi import HTTPException, Path, Query, Request, Response
    from fastapi.concurrency import run_in_threadpool

    Number = Annotated[int, Path(ge=0, lt=2**63, description="The id of an item.")]
    Name = Annotated[
        str, Query(max_length=1000, description="Only items whose names contain this.")
    ]
    Label = Annotated[
        int | None,
        Query(ge=-(2**63), lt=2**63, description="Only items with this label."),
    ]
    K = Annotated[
        int, Query(ge=1, le=_MOST_NEIGHBORS, description="Neighbours, at most.")
    ]
    Radius = Annotated[
        float | None,
        Query(allow_inf_nan=False, description="Only items at most this far."),
    ]
    Offset = Annotated[int, Query(ge=0, lt=2**63, description="The first of them.")]
    Limit = Annotated[int, Query(ge=1, le=200, description="How many of them.")]
    uploads = Semaphore(AT_ONCE)

    @app.get("/api/stats")
    def stats() -> Stats:
        """What the index is, its labels, and what its radii mean."""
        return stats_of(collection, most_radius(collection), read_only)

    @app.get("/api/items")
    def items(
        offset: Offset = 0, limit: Limit = 60, name: Name = "", label: Label = None
    ) -> Items:
        """The items, in the order of their addition, in parts."""
        return collection.items(offset, limit, name, label)

    @app.get("/api/items/{number}")
    def item(number: Number) -> Item:
        """One item."""
        return collection.item(number)

    @app.get("/api/items/{number}/thumbnail", response_class=Response)
    def thumbnail(number: Number, large: bool = False) -> Response:
        """The picture of an item as a small JPEG, or a larger one."""
        jpeg = collection.thumbnail(number, SIZES[large])
        headers = {"cache-control": "private, max-age=300"}
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    @app.get("/api/items/{number}/similar")
    def similar(
        number: Number,
        k: K = 24,
        radius: Radius = None,
        name: Name = "",
        label: Label = None,
    ) -> Neighbors:
        """The items nearest to an item, without itself."""
        return collection.search_item(
            number, k=k, radius=radius, name=name, label=label
        )

    @app.post("/api/search", openapi_extra=_PICTURE)
    async def search(
        request: Request,
        k: K = 24,
        radius: Radius = None,
        name: Name = "",
        label: Label = None,
    ) -> Neighbors:
        """The items nearest to a picture."""
        how = {"k": k, "radius": radius, "name": name, "label": label}
        async with uploads:
            data = await read_body(request)
            return await run_in_threadpool(collection.search_picture, data, **how)

    @app.get("/api/groups")
    def group_page(radius: int = 0, offset: Offset = 0, limit: Limit = 20) -> Groups:
        """Groups of items whose codes are at most `radius` bits apart, in a chain."""
        most = most_radius(collection)
        if not 0 <= radius <= most:
            raise ValueError(
                f"`radius` must be from 0 to {most}. Received: radius={radius}."
            )
        return groups.page(radius, offset, limit)

    @app.get("/api/map")
    def map_of_items(method: Method = Method.pca) -> Map:
        """The items, or a sample of 2,000, laid out in a plane by their codes."""
        return maps.map(method.value)

    def check_changes() -> None:
        if read_only:
            raise HTTPException(403, "The server was started with --read-only.")

    @app.post("/api/items", status_code=201, openapi_extra=_PICTURE)
    async def add(
        request: Request,
        name: Annotated[str, Query(max_length=1000, description="A name.")] = "",
        label: Annotated[
            list[int], Query(description="Its labels, where the index has labels.")
        ] = (),
    ) -> Item:
        """Adds a picture; it is on the disk when this is answered."""
        check_changes()
        async with uploads:
            data = await read_body(request)
            return await run_in_threadpool(
                collection.add_picture, data, name, list(label)
            )

    @app.delete("/api/items/{number}")
    def remove(number: Number) -> Removed:
        """Removes an item from the index. The file of the picture stays."""
        check_changes()
        return Removed(collection.remove(number))
