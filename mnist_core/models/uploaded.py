"""An uploaded network as an architecture: what was found in its file, for readers. It is read, never built from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mnist_core.models.architectures import Architecture
from mnist_core.models.plan import Layer, PlannedLayer
from mnist_core.parts import Part

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,60}$")]
Sizes = tuple[Annotated[int, Field(ge=0)], ...]
Count = Annotated[int, Field(ge=0)]


class UploadedLayer(Part):
    """One layer as ``models.restore`` found it; the fields are those of ``PlannedLayer``."""

    name: Name
    kind: Name
    arguments: dict[Name, int | float | str] = Field(default_factory=dict)
    input_shape: Sizes
    output_shape: Sizes
    trainable: Count = 0
    frozen: Count = 0
    arithmetic: Annotated[str, Field(max_length=400)] = ""
    inputs: tuple[Name, ...] = ()


class Uploaded(Architecture):
    label: ClassVar[str] = "Uploaded network"
    sentence: ClassVar[str] = "Trained elsewhere; its layers, shapes and counts are as found in its file."
    trainable: ClassVar[bool] = False

    name: Literal["uploaded"] = "uploaded"
    file: Annotated[str, Field(max_length=200)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """Of the file's content, by which two files of one name are told apart."""
    table: Annotated[tuple[UploadedLayer, ...], Field(min_length=1, max_length=300)]

    def layers(self):
        return (Layer(layer.kind, layer.arguments) for layer in self.table)

    def planned(self) -> list[PlannedLayer]:
        return [PlannedLayer(**dict(layer)) for layer in self.table]
