"""The layout of a TFLite model file: its FlatBuffer schema, version 3, as tables.

The tables are facts of the format (tensorflow/compiler/mlir/lite/schema/schema.fbs), as far as ai-edge-litert
2.3 knows them. Fields are only ever added at the end.
"""

from __future__ import annotations

from edged.vision.tflite.flatbuffer import Enum, Scalar, Table, Text, Union, Vector, VectorOf
from edged.vision.tflite.operator_options import BUILTIN_OPTIONS, BUILTIN_OPTIONS_2, TENSOR_TYPES

__all__ = ["IDENTIFIER", "MODEL", "OPERATORS"]

IDENTIFIER = b"TFL3"
"""The bytes from byte 4 of every model file."""

# fmt: off
OPERATORS = (
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE",
    "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION",
    "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D",
    "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX",
    "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2",
    "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE",
    "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN",
    "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND",
    "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL",
    "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD",
    "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU",
    "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE",
    "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM",
    "BATCH_MATMUL", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D",
    "CONV_3D", "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE",
    "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU",
    "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM", "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN", "BITCAST", "BITWISE_XOR",
    "RIGHT_SHIFT", "STABLEHLO_LOGISTIC", "STABLEHLO_ADD", "STABLEHLO_DIVIDE", "STABLEHLO_MULTIPLY",
    "STABLEHLO_MAXIMUM", "STABLEHLO_RESHAPE", "STABLEHLO_CLAMP", "STABLEHLO_CONCATENATE",
    "STABLEHLO_BROADCAST_IN_DIM", "STABLEHLO_CONVOLUTION", "STABLEHLO_SLICE", "STABLEHLO_CUSTOM_CALL",
    "STABLEHLO_REDUCE", "STABLEHLO_ABS", "STABLEHLO_AND", "STABLEHLO_COSINE", "STABLEHLO_EXPONENTIAL",
    "STABLEHLO_FLOOR", "STABLEHLO_LOG", "STABLEHLO_MINIMUM", "STABLEHLO_NEGATE", "STABLEHLO_OR",
    "STABLEHLO_POWER", "STABLEHLO_REMAINDER", "STABLEHLO_RSQRT", "STABLEHLO_SELECT", "STABLEHLO_SUBTRACT",
    "STABLEHLO_TANH", "STABLEHLO_SCATTER", "STABLEHLO_COMPARE", "STABLEHLO_CONVERT",
    "STABLEHLO_DYNAMIC_SLICE", "STABLEHLO_DYNAMIC_UPDATE_SLICE", "STABLEHLO_PAD", "STABLEHLO_IOTA",
    "STABLEHLO_DOT_GENERAL", "STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SORT", "STABLEHLO_WHILE",
    "STABLEHLO_GATHER", "STABLEHLO_TRANSPOSE", "DILATE", "STABLEHLO_RNG_BIT_GENERATOR", "REDUCE_WINDOW",
    "STABLEHLO_COMPOSITE", "STABLEHLO_SHIFT_LEFT", "STABLEHLO_CBRT", "STABLEHLO_CASE",
)
# fmt: on
"""Names of the built-in operators, by number."""

BOOL = Enum("b", 2)
INT = Scalar("i")
UINT = Scalar("I")
ULONG = Scalar("Q")
TEXT = Text()
BYTES = Vector("u1")
INTS = Vector("i4")
FLOATS = Vector("f4")
TENSOR_TYPE = Enum("b", len(TENSOR_TYPES))

QUANTIZATION = Table(
    "QuantizationParameters",
    min=FLOATS,
    max=FLOATS,
    scale=FLOATS,
    zero_point=Vector("i8"),
    details=Union(
        Table("CustomQuantization", custom=BYTES),
        Table("BlockwiseQuantization", scales=INT, zero_points=INT, block_size=INT, block_shape=INTS),
        Table("MultiAxisQuantization", scales=INT, zero_points=INT, block_size=INT, quantized_dimensions=INTS),
    ),
    quantized_dimension=INT,
)

INDEX_VECTOR = Union(
    Table("Int32Vector", values=INTS),
    Table("Uint16Vector", values=Vector("u2")),
    Table("Uint8Vector", values=BYTES),
)

SPARSITY = Table(
    "SparsityParameters",
    traversal_order=INTS,
    block_map=INTS,
    dim_metadata=VectorOf(
        Table(
            "DimensionMetadata",
            format=Enum("b", 2),
            dense_size=INT,
            array_segments=INDEX_VECTOR,
            array_indices=INDEX_VECTOR,
        )
    ),
)

TENSOR = Table(
    "Tensor",
    shape=INTS,
    type=TENSOR_TYPE,
    buffer=UINT,
    name=TEXT,
    quantization=QUANTIZATION,
    is_variable=BOOL,
    sparsity=SPARSITY,
    shape_signature=INTS,
    has_rank=BOOL,
    variant_tensors=VectorOf(Table("VariantSubType", shape=INTS, type=TENSOR_TYPE, has_rank=BOOL)),
    external_buffer=UINT,
)

OPERATOR = Table(
    "Operator",
    opcode_index=UINT,
    inputs=INTS,
    outputs=INTS,
    builtin_options=BUILTIN_OPTIONS,
    custom_options=BYTES,
    custom_options_format=Enum("b", 1),
    mutating_variable_inputs=BYTES,
    intermediates=INTS,
    large_custom_options_offset=ULONG,
    large_custom_options_size=ULONG,
    builtin_options_2=BUILTIN_OPTIONS_2,
    debug_metadata_index=Scalar("i", -1),
)

TENSOR_MAP = Table("TensorMap", name=TEXT, tensor_index=UINT)

MODEL = Table(
    "Model",
    version=UINT,
    operator_codes=VectorOf(
        Table(
            "OperatorCode",
            deprecated_builtin_code=Scalar("b"),
            custom_code=TEXT,
            version=Scalar("i", 1),
            builtin_code=INT,
        )
    ),
    subgraphs=VectorOf(
        Table(
            "SubGraph",
            tensors=VectorOf(TENSOR),
            inputs=INTS,
            outputs=INTS,
            operators=VectorOf(OPERATOR),
            name=TEXT,
            debug_metadata_index=Scalar("i", -1),
        )
    ),
    description=TEXT,
    buffers=VectorOf(Table("Buffer", data=BYTES, offset=ULONG, size=ULONG)),
    metadata_buffer=INTS,
    metadata=VectorOf(Table("Metadata", name=TEXT, buffer=UINT)),
    signature_defs=VectorOf(
        Table(
            "SignatureDef",
            inputs=VectorOf(TENSOR_MAP),
            outputs=VectorOf(TENSOR_MAP),
            signature_key=TEXT,
            deprecated_tag=None,
            subgraph_index=UINT,
        )
    ),
    external_buffer_groups=VectorOf(Table("ExternalBufferGroup", name=TEXT)),
    external_buffers=VectorOf(Table("ExternalBuffer", id=UINT, group=UINT, offset=ULONG, length=ULONG, packing=TEXT)),
)
"""The root table."""
