"""
What does a whole episode look like at one glance?

    ┌────┐ ┌────┐ ┌────┐
    │    │ │    │ │    │   posters of one shape, each with its slate under it
    └────┘ └────┘ └────┘
"""

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

_GROUND = (15, 16, 19)
_PANEL = (32, 34, 40)
_INK = (236, 232, 223)
_GAP = 12
_LABEL_HEIGHT = 26
_QUALITY = 86


def contact_sheet(
    images: Sequence[tuple[str, bytes]], columns: int = 5, *, cell_width: int = 216
) -> bytes:
    """
    Lay posters out in a grid.

    Args:
        images: (label, picture) pairs in order; the picture as JPEG or PNG. One that cannot be
            read leaves an empty cell.
        columns: Most pictures in a row, at least 1.
        cell_width: Width of a picture, in pixels.

    Returns:
        A JPEG. Cells have the first readable picture's shape; others are fitted into it.

    Raises:
        ValueError: If there is no picture, or no column.
    """
    if not images or columns < 1:
        raise ValueError(f"a contact sheet needs pictures, got {len(images)} in {columns} columns")
    pictures = [read_picture(content) for _, content in images]
    cell_height = _cell_height(pictures, cell_width)
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    step_x, step_y = cell_width + _GAP, cell_height + _LABEL_HEIGHT + _GAP
    sheet = Image.new("RGB", (columns * step_x + _GAP, rows * step_y + _GAP), _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for index, ((label, _), picture) in enumerate(zip(images, pictures, strict=True)):
        left, top = _GAP + index % columns * step_x, _GAP + index // columns * step_y
        draw.rectangle((left, top, left + cell_width - 1, top + cell_height - 1), fill=_PANEL)
        if picture is not None:
            picture.thumbnail((cell_width, cell_height), Image.Resampling.LANCZOS)
            margin_x, margin_y = cell_width - picture.width, cell_height - picture.height
            sheet.paste(picture, (left + margin_x // 2, top + margin_y // 2))
        draw.text((left, top + cell_height + 5), _fitted(label, font, cell_width), _INK, font)
    return as_jpeg(sheet)


def thumbnail(picture: bytes, long_side: int) -> bytes:
    """
    Shrink a picture.

    Args:
        picture: JPEG or PNG.
        long_side: Most pixels on its long side.

    Returns:
        A JPEG that is no larger than asked for; nothing if the picture cannot be read.
    """
    image = read_picture(picture, long_side)
    if image is None:
        return b""
    image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return as_jpeg(image)


def read_picture(content: bytes, long_side: int | None = None) -> Image.Image | None:
    """
    Decode a picture.

    Args:
        content: JPEG or PNG.
        long_side: If it will be shrunk to this, a JPEG is decoded no larger than needed.

    Returns:
        The picture in RGB; None if it cannot be read.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        if long_side is not None:
            image.draft("RGB", (long_side, long_side))
        return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return None


def as_jpeg(image: Image.Image) -> bytes:
    """Encode a picture, the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _cell_height(pictures: Sequence[Image.Image | None], cell_width: int) -> int:
    for picture in pictures:
        if picture is not None:
            return max(1, round(cell_width * picture.height / picture.width))
    return cell_width


def _fitted(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The label on one line, cut so that it does not run into its neighbour."""
    label = " ".join(label.split())
    while label and font.getlength(label) > width:
        label = label[:-2].rstrip("…") + "…" if len(label) > 2 else ""
    return label
