export * from './models/opensora/vae/clip.ts';
