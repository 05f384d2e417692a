"""The text of the printed code, and what is none of ours."""

from __future__ import annotations

import pytest

from ballotscan.forms.codes import MAX_PAYLOAD, SideCode, fits_code, make_payload, make_serials, parse_payload


def test_a_code_says_form_edition_side_and_serial() -> None:
    assert make_payload("appendix-i", "0.1", 2) == "BS/APPENDIX-I/0.1/2"
    assert parse_payload("BS/APPENDIX-I/0.1/2") == SideCode("appendix-i", "0.1", 2, None)
    assert parse_payload("BS/APPENDIX-I/0.1/2/7K3") == SideCode("appendix-i", "0.1", 2, "7K3")


@pytest.mark.parametrize(
    "text",
    ["", "BS", "BS/APPENDIX-I/0.1", "BS/APPENDIX-I/0.1/0", "BS/appendix-i/0.1/1", "XX/APPENDIX-I/0.1/1",
     "BS/APPENDIX-I/0.1/1/", "BS/APPENDIX-I/0.1/1/7K3/4", "https://example.org/BS/A/1/1", "BS/A/1/1\n"],
)  # fmt: skip
def test_other_codes_are_none_of_ours(text: str) -> None:
    assert parse_payload(text) is None


@pytest.mark.parametrize(
    ("form", "edition", "side", "serial"),
    [("Upper", "1", 1, None),
     ("a b", "1", 1, None), ("a", "1/2", 1, None), ("a", "1", 0, None), ("a", "1", 1, ""),
     ("a", "1", 1, "đ"), ("a" * 40, "1", 1, None)],
)  # fmt: skip
def test_what_cannot_be_printed_is_refused(form: str, edition: str, side: int, serial: str | None) -> None:
    with pytest.raises(ValueError, match="BS/"):
        make_payload(form, edition, side, serial)


def test_room_for_a_serial_is_asked_for_from_the_start() -> None:
    assert fits_code("a" * 22, "1")
    assert not fits_code("a" * 23, "1")
    assert len(make_payload("a" * 22, "1", 1, "2" * 8)) == MAX_PAYLOAD


def test_serials_differ_and_are_in_no_order() -> None:
    serials = make_serials(200)
    assert len(set(serials)) == 200
    assert serials != sorted(serials)
    assert all(parse_payload(make_payload("a", "1", 1, serial)) for serial in serials)
