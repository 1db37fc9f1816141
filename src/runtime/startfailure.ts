/** Why a backend does not start, in words that help: the library's own are paths of its source files. */
import { messageOf } from '../errors.ts';

const known: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /load (shared )?library|libcu|cudnn|providers_(cuda|shared)/i,
    'ONNX Runtime has no CUDA libraries here. They come with "npm rebuild onnxruntime-node" where ONNXRUNTIME_NODE_INSTALL is not set to skip, for Linux on x64, and need CUDA 12 and cuDNN 9',
  ],
  [/cuda (failure|error)|no CUDA-capable device/i, 'there is no NVIDIA GPU that CUDA can use'],
  [/WebGPU adapter|RequestAdapter/i, 'there is no GPU that it can use through Vulkan, Metal or Direct3D 12'],
  [/not (available|supported|enabled)|no available backend/i, 'ONNX Runtime was built without it for this system'],
];

/** The meaning of what was thrown; its own words where it is not known. */
export function startFailure(error: unknown): string {
  const said = messageOf(error).trim().replace(/\.$/, '');
  return known.find(([pattern]) => pattern.test(said))?.[1] ?? said;
}
