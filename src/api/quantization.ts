/** `quantcache/quantization`: what integer precisions mean, and the watching of activations. */
export { type ActivationRecorder, activationRecorder } from '../quantization/activations.ts';
export { recipesFile, saveCalibrated } from '../quantization/calibrated.ts';
export { type LinearRole, linearRoles } from '../quantization/layers.ts';
export type { QuantizationOptions } from '../quantization/quantizer.ts';
export {
  defaultRecipes,
  type IntegerPrecision,
  isInteger,
  isSimulated,
  type Recipe,
  simulation,
} from '../quantization/recipe.ts';
export { type QuantizationMethod, quantizationMethods } from '../quantization/recipes.ts';
