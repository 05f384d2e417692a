"""Pages that are no ballot of ours: a cover letter, another office's form, an empty sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ballotscan.forms.drawing import font_folders
from ballotscan.forms.form import Form, MarkPolicy, Side

DPI = 300
A4_PX = (2480, 3508)
A4_MM = (210.0, 297.0)

LETTER = (
    "Kính gửi: Bộ phận Tổng hợp",
    "",
    "Bộ phận Tiếp nhận và Trả kết quả xin gửi kèm theo công văn này",
    "toàn bộ phiếu khảo sát trong hòm phiếu mở ngày 10 tháng 3 năm 2023.",
    "Số phiếu đếm được khi mở hòm ghi ở biên bản kèm theo.",
    "",
    "Đề nghị quý bộ phận quét, đọc và gửi lại bảng tổng hợp của quý.",
    "",
    "Trân trọng cảm ơn.",
)

OTHER_FORM = (
    "Họ và tên người đăng ký: ........................................",
    "Ngày sinh: ............................   Số điện thoại: ..............................",
    "Nơi ở hiện nay: .................................................................",
    "Đăng ký tham gia lớp:",
)


@dataclass(frozen=True)
class PlainPrint:
    """A page without questions, in the shape that the simulator takes."""

    form: Form
    dpi: int
    pages: tuple[NDArray[np.uint8], ...]


def _print(name: str, image: Image.Image) -> PlainPrint:
    side = Side(1, *A4_MM, (), ())
    form = Form(
        name, "1", name, "vi", None, None, (side,), (), (), MarkPolicy((), (), ()), (), None, False, ""
    )
    return PlainPrint(form, DPI, (np.asarray(image, np.uint8),))


def _font(size_px: int, weight: str = "Regular") -> ImageFont.FreeTypeFont:
    found = next(
        path for folder in font_folders() for path in sorted(folder.glob(f"*BeVietnamPro-{weight}.ttf"))
    )
    return ImageFont.truetype(str(found), size_px)


def _write(draw: ImageDraw.ImageDraw, lines: Sequence[str], x_px: int, y_px: int, size_px: int) -> int:
    for line in lines:
        draw.text((x_px, y_px), line, fill=0, font=_font(size_px))
        y_px += int(size_px * 1.6)
    return y_px


def draw_letter() -> PlainPrint:
    """The letter that lies on top of a stack."""
    image = Image.new("L", A4_PX, 255)
    draw = ImageDraw.Draw(image)
    draw.text((1240, 420), "CÔNG VĂN", fill=0, font=_font(90, "Bold"), anchor="mm")
    end = _write(draw, LETTER, 300, 620, 50)
    draw.text((1700, end + 200), "NGƯỜI LẬP", fill=0, font=_font(50, "Bold"), anchor="mm")
    return _print("letter", image)


def draw_other_form() -> PlainPrint:
    """A form with boxes that no template describes."""
    image = Image.new("L", A4_PX, 255)
    draw = ImageDraw.Draw(image)
    draw.text((1240, 360), "PHIẾU ĐĂNG KÝ HỌC NGHỀ", fill=0, font=_font(84, "Bold"), anchor="mm")
    y_px = _write(draw, OTHER_FORM, 260, 560, 50) + 60
    for row, name in enumerate(
        ("Tin học", "Kế toán", "May mặc", "Cơ khí", "Nấu ăn", "Sửa xe máy", "Điện lạnh")
    ):
        for column in range(3):
            x = 320 + column * 720
            draw.rectangle((x, y_px, x + 58, y_px + 58), outline=0, width=4)
            draw.text((x + 100, y_px), f"{name} {row * 3 + column + 1}", fill=0, font=_font(48))
        y_px += 150
    return _print("other-form", image)


def draw_nothing() -> PlainPrint:
    """An empty sheet of paper."""
    return _print("empty", Image.new("L", A4_PX, 255))
