"""What a model looks like in JSON: the list's shape, the single model's, and those that `expand` asks for."""

import json
from typing import Any

from tests.fakehub.files import names_of
from tests.fakehub.world import Model, World

Shape = tuple[str, ...]

EXPAND = tuple(
    "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults "
    "gated gguf gitalyUid inference inferenceProviderMapping lastModified library_name likes mask_token model-index "
    "pipeline_tag private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore "
    "usedStorage widgetData xetEnabled".split()
)
#: What the Hub long refused, and perhaps refuses, to expand in lists.
SINGLE_ONLY = {"baseModels", "childrenModelCount", "usedStorage"}
LIST: Shape = tuple(
    "_id id likes trendingScore private downloads tags pipeline_tag library_name createdAt modelId".split()
)
FULL: Shape = tuple(
    "_id id author gated disabled lastModified likes trendingScore private sha downloads tags pipeline_tag "
    "library_name createdAt modelId siblings".split()
)
SINGLE: Shape = tuple(
    "_id id private pipeline_tag library_name tags downloads likes modelId author sha lastModified gated inference "
    "disabled mask_token widgetData model-index config cardData transformersInfo siblings spaces createdAt safetensors "
    "gguf usedStorage".split()
)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII = json.JSONEncoder(separators=(",", ":"))


def serialised(world: World, model: Model, shape: Shape) -> bytes:
    """A model as JSON. Kept until the model changes, or anything that its lineage rests on."""
    known = model.cache.get(shape)
    if known is not None and known[0] in (world.version, -1):
        return known[1]
    rests_on_others = "childrenModelCount" in shape or "baseModels" in shape or (model.derived and "tags" in shape)
    text = _encoded({key: value for key in shape if (value := _field(world, model, key)) is not None})
    model.cache[shape] = world.version if rests_on_others else -1, text
    return text


def _field(world: World, model: Model, key: str) -> Any:
    match key:
        case "_id":
            return model.key
        case "modelId":
            return model.name
        case "tags":
            return world.tags(model)
        case "baseModels":
            return world.base_models(model)
        case "childrenModelCount":
            return world.children(model)
        case "siblings" if "siblings" not in model.row:
            return [{"rfilename": name} for name in names_of(model)]
        case _:
            return model.row.get(key)


def _encoded(fields: dict[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(fields).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can say
        return _ASCII.encode(fields).encode()
