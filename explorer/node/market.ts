/** What is loaded beside the frame, and no more of the market than that. */
export { createMarket } from '../../market/index.ts';
