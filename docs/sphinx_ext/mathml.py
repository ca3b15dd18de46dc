"""Formulas as MathML, which browsers draw themselves: no script is loaded."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_math, None),
        block_renderers=(visit_math_block, None),
    )
    return {"parallel_read_safe": True}


def visit_math(writer, node: nodes.math) -> None:
    writer.body.append(to_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_math_block(writer, node: nodes.math_block) -> None:
    formula = to_mathml(node.astext(), "block")
    writer.body.append(f'<div class="formula">{formula}</div>\n')
    raise nodes.SkipNode


def to_mathml(formula: str, display: str) -> str:
    # An underscore in the name of an argument keeps its backslash otherwise.
    return convert(formula, display=display).replace("\\_", "_")
