/** What is loaded of the client's agent, when a job is posted or served. */
export { createClientAgent, unsettledJobOf } from '../../market/index.ts';
