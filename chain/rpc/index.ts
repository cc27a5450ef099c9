export { type ContentIntake, createContentIntake } from './intake.ts';
export { openPages, type Pages } from './pages.ts';
export { createRpcServer, type RpcServer, type RpcServerOptions } from './server.ts';
