"""What makes the graph of a model fast on a processor: narrow matrix products.

OpenVINO's own bfloat16 mode computes everything in eight bits of mantissa, the sums that run
through all layers included. Here only the products of the large matrices are narrow, and what
weighs little in time but much in the result stays wide: on LaBSE's architecture that takes a fifth
longer, and loses half as many neighbours (see docs/models.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from openvino import Model, Node

_LARGE = 1 << 10
"""Elements below which a matrix is left alone."""

GROUP = 128
"""Inputs that are quantised together, in eight-bit products: 32 agree better and are slower."""


def narrow_products(model: Model) -> None:
    """Compute the large matrix products in bfloat16, in place; their sums stay float32.

    Two kinds stay as they are, since they cost little and matter most: the one that joins the
    heads of an attention, and whatever follows the pooling. The other weights are stored in
    bfloat16.
    """
    from openvino import opset13 as ops
    from openvino.passes import ConstantFolding, Manager

    for node in list(_products(model)):
        if _stays_wide(node):
            continue
        attributes = node.get_attributes()
        narrow = ops.matmul(
            ops.convert(node.input_value(0), "bf16"),
            ops.convert(node.input_value(1), "bf16"),
            attributes["transpose_a"],
            attributes["transpose_b"],
        )
        node.output(0).replace(ops.convert(narrow, "f32").output(0))
    model.validate_nodes_and_infer_types()
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)


def quantise_weights(model: Model) -> None:
    """Store the large matrices in eight bits, a scale for each output (symmetric), in place."""
    from openvino import opset13 as ops

    for node in list(_products(model)):
        attributes = node.get_attributes()
        weights = node.input_value(1).get_node().data
        if not attributes["transpose_b"]:
            weights = weights.T
        scale = np.abs(weights).max(axis=1, keepdims=True).clip(1e-12) / 127
        eight = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
        wide = ops.multiply(ops.convert(ops.constant(eight), "f32"), ops.constant(scale))
        product = ops.matmul(node.input_value(0), wide, attributes["transpose_a"], True)
        node.output(0).replace(product.output(0))
    model.validate_nodes_and_infer_types()


def _products(model: Model) -> Iterator[Node]:
    """Yield the products with a large constant matrix."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            matrix = node.input_value(1).get_node()
            if matrix.get_type_name() == "Constant" and np.prod(matrix.shape) >= _LARGE:
                yield node


def _stays_wide(node: Node) -> bool:
    """Return whether *node* follows the pooling, or joins the attention's heads."""
    source = node.input_value(0)
    after_pooling = source.get_partial_shape().rank.get_length() < 3
    return after_pooling or source.get_node().get_type_name() in ("Reshape", "Transpose")
