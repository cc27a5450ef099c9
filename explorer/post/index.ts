/** What posting a job takes, loaded when somebody is about to. */
export { ClientPart } from './clientPart.tsx';
export { EstimatePage } from './estimatePage.tsx';
export { PostPage } from './page.tsx';
export { resumeServing } from './serve.ts';
