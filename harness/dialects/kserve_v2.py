"""Answers of the Open Inference Protocol (KServe v2, Triton, MLServer, Seldon), REST form.

Outputs come as a list of named tensors with flat data and a shape. The protocol gives the order of
that list no meaning, so they are decoded into an object by name, with the data nested by shape:
`$.outputs.probabilities[0][1]`. The rest of the answer stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from harness.dialects.json_predict import JsonPredict, usage_of
from harness.exchange import Headers
from harness.output import Decoded, JsonValue, Undecodable
from harness.usage import Usage


@dataclass(frozen=True, slots=True)
class KserveV2:
    """Open Inference Protocol, REST, tensors as JSON.

    Examples:
        >>> answer = b'{"outputs": [{"name": "y", "shape": [1, 2], "data": [3, 4]}]}'
        >>> KserveV2().decode(answer, ())
        {'outputs': {'y': [[3, 4]]}}
    """

    def decode(self, body: bytes, headers: Headers) -> Decoded:
        value = JsonPredict().decode(body, headers)
        if not isinstance(value, dict) or "outputs" not in value:
            return value
        tensors = value["outputs"]
        if not isinstance(tensors, list):
            return Undecodable("`outputs` is not a list of tensors")
        named: dict[str, JsonValue] = {}
        for tensor in tensors:
            if not isinstance(tensor, dict) or not isinstance(name := tensor.get("name"), str):
                return Undecodable("an entry of `outputs` has no name")
            if "data" not in tensor:
                return Undecodable(f"output {name!r} has no data; binary tensors are not read")
            if name in named:
                return Undecodable(f"output {name!r} stands twice")
            shaped = _shaped(tensor["data"], tensor.get("shape"))
            if shaped is None:
                return Undecodable(f"output {name!r} does not have as much data as its shape says")
            named[name] = shaped
        return {**value, "outputs": named}

    def usage(self, decoded: Decoded) -> Usage:
        return usage_of(decoded)


def _shaped(data: JsonValue, shape: JsonValue) -> JsonValue:
    """Nest flat data by shape; data that is nested already stays. None when they do not fit."""
    if not isinstance(data, list):
        return None
    if shape is None or any(isinstance(entry, list) for entry in data):
        return data
    sizes = shape if isinstance(shape, list) else [shape]
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        return None
    whole = [size for size in sizes if isinstance(size, int)]
    if prod(whole) != len(data):
        return None
    nested: list[JsonValue] = data
    for size in reversed(whole[1:]):
        nested = [nested[at : at + size] for at in range(0, len(nested), size)] if size else []
    return nested
