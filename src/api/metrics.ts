/** `quantcache/metrics`: how alike two clips are, and whether one shows what was asked for. */
export {
  type Agreement,
  type AgreementShares,
  agreement,
  agreementShares,
  judge,
  overallAgreement,
  readWanted,
  sceneAgreement,
} from '../metrics/agreement/agreement.ts';
export { type Consistency, consistency } from '../metrics/agreement/consistency.ts';
export { attributesOfPrompt } from '../metrics/agreement/prompt.ts';
export { type Quality, quality } from '../metrics/agreement/quality.ts';
export { canRead, readAttributes, type Shown } from '../metrics/agreement/reader.ts';
export { readTrack, type Track } from '../metrics/agreement/track.ts';
export { type Attributes, attributes, readVocabulary, type Vocabulary } from '../metrics/agreement/vocabulary.ts';
export { type Features, featureDistance } from '../metrics/featuredistance.ts';
export { type ImageTextModel, type ImageTextParts, loadImageTextModel } from '../metrics/imagetext/model.ts';
export { type PixelConfig, parsePixelConfig } from '../metrics/imagetext/pixels.ts';
export { type ImageTextScores, imageTextScores } from '../metrics/imagetext/scores.ts';
export { median } from '../metrics/median.ts';
export { psnr } from '../metrics/psnr.ts';
export { relativeL2 } from '../metrics/relativel2.ts';
export { ssim } from '../metrics/ssim.ts';
export { dynamicDegree, flicker, motionSmoothness } from '../metrics/temporal.ts';
