"""The report as one web page that stands alone: no script, nothing to fetch."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from ballotscan.report.document import Appendix, Block, Chart, Document, Grid, Heading

_STYLE: Final = """
body{font:18px/1.5 Tinos,'Times New Roman',serif;max-width:60rem;margin:2rem auto;
padding:0 1rem;color:#111}
header{text-align:center} h1{font-size:1.5rem} h2{font-size:1.2rem;margin-top:2rem}
h3{font-size:1.05rem}
table{border-collapse:collapse;width:100%;font-size:.9rem} caption{font-weight:bold;margin:.5rem 0}
th,td{border:1px solid #888;padding:.25rem .4rem;text-align:center}
th[scope=row]{text-align:left;font-weight:normal}
.strong,.strong th{font-weight:bold}
figure{margin:1rem 0;overflow-x:auto} svg{width:100%;min-width:36rem;max-width:44rem;height:auto}
.wide table.many{min-width:44rem} .wide{overflow-x:auto}
header b,header p{overflow-wrap:anywhere}
.stamp{position:fixed;top:.5rem;right:.5rem;color:#b00020;border:3px solid;padding:.2rem .6rem;
font-weight:bold;background:#fff;z-index:1} body.stamped{padding-top:2.5rem}
@media print{body{margin:0;max-width:none}}
"""


def report_html(document: Document) -> str:
    """The page's whole text."""
    head = document.letterhead
    stamp = f'<div class="stamp">{escape(document.stamp)}</div>' if document.stamp else ""
    kind = ' class="stamped"' if document.stamp else ""
    return "".join(
        [
            f'<!DOCTYPE html><html lang="{document.language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(document.title)}</title><style>{_STYLE}</style></head><body{kind}>{stamp}",
            f"<header><p>{escape(head.parent)}<br><b>{escape(head.agency)}</b></p>",
            f"<h1>{escape(head.kind)}<br>{escape(head.subject)}</h1>",
            f"<p><i>{escape(head.place_and_day)}</i></p></header><main>",
            *(line for block in document.blocks for line in _block(block, document.appendix_word)),
            "</main></body></html>\n",
        ]
    )


def _block(block: Block, appendix: str) -> Iterator[str]:
    match block:
        case Heading():
            level = block.level + 1
            yield f"<h{level}>{escape(block.text)}</h{level}>"
        case Appendix():
            yield f"<h2>{escape(appendix)} {block.number}. {escape(block.title)}</h2>"
        case Grid():
            yield from _grid(block)
        case Chart():
            label = f'aria-label="{escape(block.text)}"'
            yield f"<figure>{block.svg.replace('role=', f'{label} role=', 1)}"
            yield f"<figcaption>{escape(block.caption)}</figcaption></figure>"
        case _:
            yield f"<p>{'<b>' if block.bold else ''}{escape(block.text)}{'</b>' if block.bold else ''}</p>"


def _grid(grid: Grid) -> Iterator[str]:
    many = ' class="many"' if len(grid.head) > 5 else ""
    yield f'<div class="wide" tabindex="0"><table{many}><caption>{escape(grid.caption)}</caption><thead><tr>'
    yield "".join(f'<th scope="col">{escape(name)}</th>' for name in grid.head)
    yield "</tr></thead><tbody>"
    for place, row in enumerate(grid.rows):
        kind = ' class="strong"' if place in grid.strong else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        yield f'<tr{kind}><th scope="row">{escape(row[0])}</th>{cells}</tr>'
    yield "</tbody></table></div>"
    if grid.note:
        yield f"<p><i>{escape(grid.note)}</i></p>"
