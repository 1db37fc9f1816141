/** `quantcache/calibration`: profiles, fitted options and recipes for a model, from runs of it. */
export { type CalibrationEvent, type CalibrationOptions, calibrate } from '../calibration/calibrate.ts';
export { type Candidate, optionsOf } from '../calibration/candidate.ts';
export { type MeasuringOptions, measure, openPrompt, withRun } from '../calibration/measure.ts';
export { loadMeasurements, type Measurements, noMeasurements, saveMeasurements } from '../calibration/measurements.ts';
export { fitPreview, type PreviewFitOptions } from '../calibration/preview.ts';
export { type Price, priceOf, quickPriceOf } from '../calibration/price.ts';
export { calibrationPrompts } from '../calibration/prompts.ts';
export { calibrateQuickly, missingRuns, type QuickCalibration, quickProfile } from '../calibration/quick.ts';
export { pickRecipe, type RecipesOptions, type RecipeTrial, recipesToTry, tryRecipes } from '../calibration/recipes.ts';
export { openRecipeTrials } from '../calibration/recipetrials.ts';
export { createRecorder, type RecordedRun, type Recorder, velocitiesOf } from '../calibration/record.ts';
export { pick, reaches, type Target } from '../calibration/targets.ts';
export { denoise } from '../denoise.ts';
export type { WrittenProfile } from '../policies/quantcache/profile.ts';
export { previewFile, savePreviewMap } from '../preview/map.ts';
export { saveFitted, saveProfile } from '../profiles.ts';
