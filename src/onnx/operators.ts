/** The operators that graphs may use, by name: what is not here does not compile. A new one is one word in these lists. */

/** Of ONNX Runtime's default domain, each with one output. */
export type OperatorName =
  | 'Abs'
  | 'Add'
  | 'Attention'
  | 'Cast'
  | 'Clip'
  | 'Concat'
  | 'Conv'
  | 'Div'
  | 'Exp'
  | 'Expand'
  | 'Gather'
  | 'Gelu'
  | 'Gemm'
  | 'InstanceNormalization'
  | 'LayerNormalization'
  | 'MatMul'
  | 'Max'
  | 'Mul'
  | 'Pad'
  | 'QuantizeLinear'
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceMax'
  | 'ReduceMean'
  | 'ReduceMin'
  | 'ReduceSum'
  | 'Reshape'
  | 'Resize'
  | 'Round'
  | 'Shape'
  | 'Sigmoid'
  | 'SimplifiedLayerNormalization'
  | 'Slice'
  | 'Softmax'
  | 'Sqrt'
  | 'Squeeze'
  | 'Sub'
  | 'Transpose'
  | 'Unsqueeze'
  | 'Where';

/** Of ONNX Runtime's own domain, `com.microsoft`. */
export type ContribOperatorName =
  | 'DynamicQuantizeMatMul'
  | 'FastGelu'
  | 'MatMulIntegerToFloat'
  | 'MatMulNBits'
  | 'MultiHeadAttention'
  | 'RotaryEmbedding';

/** With several outputs. */
export type MultipleOutputName = 'Scan' | 'Split';
