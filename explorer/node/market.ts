/** What is loaded beside the frame, and no more of the market than that. */
export { bindMarket } from '../../market/index.ts';
