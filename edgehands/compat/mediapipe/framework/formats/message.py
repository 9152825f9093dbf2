"""What the look-alikes of protobuf messages share: fields that are set or not, and a text form."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

MessageT = TypeVar("MessageT", bound="Message")


class Repeated(list[MessageT], Generic[MessageT]):
    """A repeated field: a list that makes its own items."""

    def __init__(self, kind: type[MessageT]) -> None:
        super().__init__()
        self._kind = kind

    def add(self, **fields: object) -> MessageT:
        """Append a new message and return it."""
        message = self._kind(**fields)
        self.append(message)
        return message


class Message:
    """A message whose scalar fields are the class attributes of a subclass, with their defaults.

    A field counts as set once it was assigned, as in protobuf.
    """

    _repeated: ClassVar[Mapping[str, type[Message]]] = {}
    _scalars: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = vars(cls).items()
        cls._scalars = tuple(name for name, value in own if isinstance(value, int | float | str))
        cls._scalars = tuple(name for name in cls._scalars if not name.startswith("_"))

    def __init__(self, **fields: object) -> None:
        for name, kind in self._repeated.items():
            self.__dict__[name] = Repeated(kind)
        for name, value in fields.items():
            if name in self._repeated:
                getattr(self, name).extend(value)
            elif name in self._scalars:
                setattr(self, name, value)
            else:
                raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._scalars:
            raise AttributeError(f"{type(self).__name__} has no field {name!r} to assign")
        self.__dict__[name] = value

    def HasField(self, name: str) -> bool:  # noqa: N802 (protobuf's name)
        """Whether a scalar field was set."""
        if name not in self._scalars:
            raise ValueError(f'Protocol message {type(self).__name__} has no field "{name}".')
        return name in self.__dict__

    def CopyFrom(self, other: Self) -> None:  # noqa: N802 (protobuf's name)
        """Become a copy of another message of this class."""
        self.__dict__.clear()
        self.__init__(**_copied(other))  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        lines: list[str] = []
        for name in self._scalars:
            if name in self.__dict__:
                lines.append(f"{name}: {_text(self.__dict__[name])}\n")
        for name in self._repeated:
            for message in self.__dict__[name]:
                inside = "".join(f"  {line}\n" for line in repr(message).splitlines())
                lines.append(f"{name} {{\n{inside}}}\n")
        return "".join(lines)


def _copied(message: Message) -> dict[str, object]:
    """Return a message's fields, the messages in it copied too."""
    return {
        name: [type(item)(**_copied(item)) for item in value] if isinstance(value, list) else value
        for name, value in vars(message).items()
    }


def _text(value: object) -> str:
    """Write a scalar as protobuf's text format does: a float has 32 bits there."""
    if isinstance(value, float):
        return str(np.float32(value))
    return f'"{value}"' if isinstance(value, str) else str(value)
